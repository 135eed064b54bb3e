"""What a stage raises goes from a worker of Ray Train to the process that asked for it, with all that it holds."""

from __future__ import annotations

import pickle
from typing import Any

import cloudpickle
import pytest

from bongsu.domain.phrases import phrase
from bongsu_stages.runtime.attempt import failure_of
from bongsu_stages.runtime.stage import StageError


class Unpicklable:
    def __str__(self) -> str:
        return "a thing"

    def __reduce__(self) -> Any:
        raise TypeError("it stays here")


@pytest.mark.parametrize("pickler", [pickle, cloudpickle])
@pytest.mark.parametrize("retryable", [True, False])
def test_nothing_of_it_is_lost_between_processes(pickler: Any, retryable: bool) -> None:
    message = phrase("{count} of {what}", count=2, what=Unpicklable())
    fix = phrase("Look at {path}.", path="a.json")
    error = StageError(message, fix, retryable=retryable, keep=["verification"])
    again = pickle.loads(pickler.dumps(error))
    assert (type(again), str(again), again.args) == (StageError, "2 of a thing", error.args)
    assert (again.message, again.fix, again.retryable, again.keep) == (
        error.message,
        error.fix,
        retryable,
        ("verification",),
    )


def test_its_text_is_english_and_its_failure_keeps_the_template() -> None:
    error = StageError(phrase("The loss is {loss} at step {step}.", loss=float("nan"), step=3), "Lower it.")
    assert str(error) == "The loss is nan at step 3."
    failure = failure_of(error)
    assert failure.message == phrase("The loss is {loss} at step {step}.", loss="nan", step=3)
    assert failure.fix == "Lower it."
