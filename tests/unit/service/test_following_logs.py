"""Logs of stages that run at once, and of attempts that begin later, are followed until the run is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from service_places import Place, drive
from simulated_executor import SimulatedExecutor
from small_plans import plan_of, stage

from bongsu.domain.ids import AttemptId, RunId, StageId
from bongsu.service.following import follow_logs
from bongsu.service.platform import Platform
from bongsu.service.submitting import submit

A, B = StageId("a"), StageId("b")
PATIENCE_S = 20.0


class Scribe(SimulatedExecutor):
    """Its attempts write a line when they begin, and one when they are over."""

    def logs(
        self, attempt: AttemptId, follow: bool = False, goes_on: Callable[[], bool] = lambda: True
    ) -> Iterator[str]:
        job = self._cluster.jobs[attempt]
        yield f"{attempt.number} begins"
        until = time.monotonic() + PATIENCE_S
        while follow and goes_on() and not job.phase.is_final:
            assert time.monotonic() < until, "the others are not followed while this one goes on"
            time.sleep(0.01)
        yield f"{attempt.number} ends"


def onlooker(place: Place) -> Platform:
    scribe = Scribe(place.cluster)
    return place.other_process(executor=lambda: scribe)


@pytest.fixture
def run(place: Place) -> Iterator[RunId]:
    """Two stages at once, of which the second may be tried again; driven by another thread."""
    place.fate = place.cluster.start
    run = submit(place.platform, plan_of(stage("a"), stage("b", retries=1))).run.id
    driving = threading.Thread(target=drive, args=(place.platform, [run]), daemon=True)
    driving.start()
    yield run
    for attempt in place.cluster.live:
        place.cluster.succeed(attempt)
    driving.join(PATIENCE_S)
    assert not driving.is_alive()


def attempt(run: RunId, name: StageId, number: int) -> AttemptId:
    return AttemptId(run_id=run, stage_id=name, number=number)


def test_stages_at_once_and_later_attempts_are_followed_to_the_end(place: Place, run: RunId) -> None:
    said: list[tuple[str, str]] = []
    for one in follow_logs(onlooker(place), run, [A, B]):
        said.append((one.stage_id, one.line))
        if one.line == "1 begins" and len(said) == 2:
            place.cluster.fail(attempt(run, B, 1))
            place.now += 1000  # the next attempt is due
        if said[-1] == ("b", "2 begins"):
            place.cluster.succeed(attempt(run, A, 1))
        if said[-1] == ("a", "1 ends"):
            place.cluster.succeed(attempt(run, B, 2))
    assert sorted(said[:2]) == [("a", "1 begins"), ("b", "1 begins")]
    assert said[2:] == [("b", "1 ends"), ("b", "2 begins"), ("a", "1 ends"), ("b", "2 ends")]


def test_nothing_is_read_for_who_is_gone(place: Place, run: RunId) -> None:
    def readers() -> list[threading.Thread]:
        return [one for one in threading.enumerate() if one.name.startswith(f"log {run}")]

    followed = follow_logs(onlooker(place), run, [A, B])
    next(followed)
    assert readers() != []
    followed.close()  # type: ignore[attr-defined]
    until = time.monotonic() + PATIENCE_S
    while readers():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_one_stage_is_followed_until_it_is_over_although_another_goes_on(place: Place, run: RunId) -> None:
    said: list[str] = []
    for one in follow_logs(onlooker(place), run, [B]):
        assert one.stage_id == B
        said.append(one.line)
        if one.line == "1 begins":
            place.cluster.fail(attempt(run, B, 1))
            place.now += 1000
        if one.line == "2 begins":
            place.cluster.succeed(attempt(run, B, 2))
    assert said == ["1 begins", "1 ends", "2 begins", "2 ends"]
    assert attempt(run, A, 1) in place.cluster.live


def test_what_is_over_is_read_once_and_nothing_is_waited_for(place: Place) -> None:
    run = submit(place.platform, plan_of(stage("a"), stage("b", "a"))).run.id
    drive(place.platform, [run])
    began = time.monotonic()
    said = [(one.stage_id, one.line) for one in follow_logs(onlooker(place), run, [A, B])]
    assert said == [("a", "1 begins"), ("a", "1 ends"), ("b", "1 begins"), ("b", "1 ends")]
    assert time.monotonic() - began < PATIENCE_S / 2


def test_a_run_that_nobody_drives_is_not_waited_for(place: Place) -> None:
    run = submit(place.platform, plan_of(stage("a"))).run.id
    assert list(follow_logs(onlooker(place), run, [A])) == []


def test_a_log_that_cannot_be_read_is_told(place: Place, run: RunId, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_given: object, **_named: object) -> Iterator[str]:
        raise OSError("no such disk")

    looking = onlooker(place)
    monkeypatch.setattr(looking.executor(), "logs", broken)
    with pytest.raises(OSError, match="no such disk"):
        list(follow_logs(looking, run, [A]))
