"""Events of workers: what no store could hold is no event."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from bongsu.domain.events import MAX_STEP, Progress, parse_event


@pytest.mark.parametrize("kind", ["progress", "checkpoint"])
@pytest.mark.parametrize("step", [MAX_STEP + 1, 2**63, 10**30, -1])
def test_a_step_beyond_all_bounds_is_no_step(kind: str, step: int) -> None:
    with pytest.raises(ValidationError):
        parse_event(json.dumps({"type": kind, "time": 1.0, "step": step}))


@pytest.mark.parametrize("time", ["NaN", "Infinity", "1e999"])
def test_a_time_is_a_number(time: str) -> None:
    with pytest.raises(ValidationError):
        parse_event(f'{{"type": "progress", "time": {time}, "step": 1}}')


def test_the_last_step_that_fits_is_one() -> None:
    found = parse_event(json.dumps({"type": "progress", "time": 1.0, "step": MAX_STEP, "total": MAX_STEP}))
    assert isinstance(found, Progress)
