"""Words for why an attempt failed."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bongsu.domain.attempt import Failure, FailureReason


@pytest.mark.parametrize("reason", list(FailureReason))
def test_a_known_word_survives_the_record(reason: FailureReason) -> None:
    failure = Failure(reason=reason, message="m")
    assert Failure.model_validate_json(failure.model_dump_json()) == failure


def test_a_word_that_only_a_newer_worker_knows_is_a_fault_of_its_stage() -> None:
    record = '{"reason": "MeteorStrike", "message": "It broke.", "retryable": false}'
    read = Failure.model_validate_json(record)
    assert (read.reason, read.message, read.retryable) == (FailureReason.STAGE_ERROR, "It broke.", False)


def test_what_is_no_word_is_no_reason() -> None:
    with pytest.raises(ValidationError):
        Failure.model_validate_json('{"reason": 7, "message": "m"}')
