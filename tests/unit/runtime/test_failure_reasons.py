"""Words for why an attempt failed."""

from __future__ import annotations

import errno
import os

import pytest
from pydantic import ValidationError

from bongsu.domain.attempt import Failure, FailureReason
from bongsu_stages.runtime.attempt import failure_of


@pytest.mark.parametrize("reason", list(FailureReason))
def test_a_known_word_survives_the_record(reason: FailureReason) -> None:
    failure = Failure(reason=reason, message="m")
    assert Failure.model_validate_json(failure.model_dump_json()) == failure


def test_a_word_that_only_a_newer_worker_knows_is_a_fault_of_its_stage() -> None:
    record = '{"reason": "MeteorStrike", "message": "It broke.", "retryable": false}'
    read = Failure.model_validate_json(record)
    assert (read.reason, read.message, read.retryable) == (FailureReason.STAGE_ERROR, "It broke.", False)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_disk_that_takes_no_more_is_no_fault_of_the_stage(number: int) -> None:
    failure = failure_of(OSError(number, os.strerror(number)))
    assert (failure.reason, failure.retryable, bool(failure.fix)) == (FailureReason.STORAGE_FAILED, True, True)
    assert failure_of(FileNotFoundError(errno.ENOENT, "no such file")).reason is FailureReason.STAGE_ERROR


def test_what_is_no_word_is_no_reason() -> None:
    with pytest.raises(ValidationError):
        Failure.model_validate_json('{"reason": 7, "message": "m"}')
