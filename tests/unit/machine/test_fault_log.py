"""Which faults of Bongsu the log has with their tracebacks, and how often it tells of one that goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.ids import StageId
from bongsu.domain.labels import Label
from bongsu.domain.mistakes import MistakeThere
from bongsu.machine.fault_log import AGAIN_S, MOST, FaultLog

NAME = "bongsu.tests.faults"
WHERE = "a step of a run"


class Times:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def log(times: Times) -> FaultLog:
    return FaultLog(NAME, monotonic=times)


def note(log: FaultLog, bug: Callable[[], object], where: str = WHERE) -> None:
    try:
        bug()
    except Exception as error:
        log.note(where, error)


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, int]]:
    """What was told with a traceback, and how often it had occurred untold."""
    return [
        (str(record.exc_info[1]), record.facts.get("untold", 0))  # type: ignore[attr-defined]
        for record in caplog.records
        if record.name == NAME and record.exc_info and record.levelno == logging.ERROR
    ]


def first() -> None:
    raise KeyError("first bug")


def second() -> None:
    raise KeyError("another bug, three weeks later")


def test_another_bug_of_the_same_kind_at_the_same_place_has_its_traceback_too(
    log: FaultLog, caplog: pytest.LogCaptureFixture
) -> None:
    for bug in (first, second, first, second):
        note(log, bug)
    assert told(caplog) == [("'first bug'", 0), ("'another bug, three weeks later'", 0)]
    assert "in second" in caplog.text


def test_the_line_of_ours_tells_bugs_apart_wherever_they_were_raised(
    log: FaultLog, caplog: pytest.LogCaptureFixture
) -> None:
    def wrong_label() -> None:
        Label.parse("none at all" * 20)

    def wrong_stage() -> None:
        raise ValueError(StageId("x"))

    for bug in (wrong_label, wrong_stage):
        for _ in range(2):
            note(log, bug)
    assert len(told(caplog)) == 2


def test_one_that_goes_on_is_told_each_hour_with_how_often_it_occurred_meanwhile(
    log: FaultLog, times: Times, caplog: pytest.LogCaptureFixture
) -> None:
    for second_of_two_hours in range(int(2 * AGAIN_S) + 1):
        times.now = float(second_of_two_hours)
        note(log, first)
    assert told(caplog) == [("'first bug'", 0), ("'first bug'", AGAIN_S - 1), ("'first bug'", AGAIN_S - 1)]


def test_one_that_comes_back_after_weeks_is_told_anew(
    log: FaultLog, times: Times, caplog: pytest.LogCaptureFixture
) -> None:
    note(log, first)
    times.now = 3 * 7 * 86_400.0
    note(log, first)
    assert told(caplog) == [("'first bug'", 0)] * 2


def test_a_mistake_of_another_process_is_known_by_the_traceback_that_came_with_it(
    log: FaultLog, caplog: pytest.LogCaptureFixture
) -> None:
    for line in (12, 12, 99, 12):
        error = type("KeyError", (MistakeThere,), {})("there")  # a class of its own for each, as they come
        error.add_note(f'Traceback (most recent call last):\n  File "there.py", line {line}, in there\nKeyError: 1')
        log.note(WHERE, error)
    assert len(told(caplog)) == 2


@given(st.lists(st.integers(0, 3 * MOST), max_size=50).map(lambda some: [*some, *range(MOST + 50)]))
def test_it_remembers_a_bounded_number_and_counts_all(places: list[int]) -> None:
    counted: list[int] = []
    log = FaultLog(NAME, lambda: counted.append(1), Times())
    for place in places:
        note(log, first, f"place {place}")
    assert len(log._told) == MOST
    assert len(counted) == len(places)
