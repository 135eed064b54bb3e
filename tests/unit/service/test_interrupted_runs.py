"""Runs that nobody drives, and how long runs were worked on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_places import Place, drive
from small_plans import plan_of, stage

from bongsu.domain.ids import AttemptId, RunId
from bongsu.domain.problems import BongsuError
from bongsu.domain.run import RunState, ShownState
from bongsu.reconciler.lock import FileLock
from bongsu.service import driving
from bongsu.service.cancelling import request_cancel
from bongsu.service.platform import Platform
from bongsu.service.running import resume_run, run_plan
from bongsu.service.showing import list_runs, show_run
from bongsu.service.submitting import submit
from bongsu.service.worktime import Worktime, stretches

CHAIN = plan_of(stage("a"), stage("b", "a"))
HOUR = 3600.0


class Killed(BaseException):
    """The process ends here, and writes nothing any more."""


def killed_in(place: Place, name: str, *, after: float) -> RunId:
    """A run whose driver died ``after`` so many seconds, while the stage ran."""

    def fate(attempt: AttemptId) -> None:
        if attempt.stage_id == name:
            place.cluster.start(attempt)
            place.now += after
            raise Killed
        place.cluster.succeed(attempt)

    run = submit(place.platform, CHAIN).run
    place.fate = fate
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driving, "note_driver", _note_of_the_killed)
        with pytest.raises(Killed):
            drive(place.platform, [run.id])
    place.fate = place.cluster.succeed
    return run.id


_note = driving.note_driver


def _note_of_the_killed(platform: Platform, run_ids: Sequence[RunId], act: str) -> None:
    """Whoever is killed does not come to say so."""
    if act == "begins":
        _note(platform, run_ids, act)


# -- interrupted ---------------------------------------------------------------------------------------------------


def test_a_run_whose_driver_died_is_interrupted(place: Place) -> None:
    run = killed_in(place, "b", after=5)
    assert show_run(place.platform, run).run.state is RunState.RUNNING
    assert show_run(place.platform, run).run.interrupted
    assert [found.interrupted for found in list_runs(place.platform)] == [True]


def test_a_run_that_is_driven_is_not_interrupted_and_another_one_is(place: Place) -> None:
    seen = {}

    def fate(attempt: AttemptId) -> None:
        for run in list_runs(place.other_process()):
            seen[run.id] = run.interrupted
        place.cluster.succeed(attempt)

    idle = submit(place.platform, plan_of(stage("z"))).run.id
    place.fate = fate
    driven = run_plan(place.platform, CHAIN).details.run.id
    assert seen == {idle: True, driven: False}


def test_runs_are_listed_by_the_state_that_is_shown(place: Place) -> None:
    dead = killed_in(place, "b", after=5)
    place.now += 1  # the list is in the order of time
    waiting = submit(place.platform, plan_of(stage("z"))).run.id
    place.now += 1
    seen: dict[ShownState, list[RunId]] = {}

    def fate(attempt: AttemptId) -> None:
        for state in ShownState:
            seen[state] = [run.id for run in list_runs(place.other_process(), [state])]
        place.cluster.succeed(attempt)

    place.fate = fate
    driven = run_plan(place.platform, plan_of(stage("y"))).details.run.id
    assert {state: runs for state, runs in seen.items() if runs} == {
        ShownState.RUNNING: [driven],
        ShownState.INTERRUPTED: [waiting, dead],
    }
    both = [ShownState.INTERRUPTED, ShownState.SUCCEEDED]
    assert [run.id for run in list_runs(place.platform, both, limit=2)] == [driven, waiting]


def test_a_run_that_is_over_is_never_interrupted(place: Place) -> None:
    assert not run_plan(place.platform, CHAIN).details.run.interrupted


def test_a_cancellation_that_nobody_carries_out_is_interrupted(place: Place) -> None:
    run = submit(place.platform, CHAIN).run
    request_cancel(place.platform, run.id)
    assert show_run(place.platform, run.id).run.interrupted
    with place.platform.lock:
        assert not show_run(place.other_process(), run.id).run.interrupted, "any driver carries it out"


def test_asking_who_drives_neither_makes_a_lock_nor_stands_in_its_way(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "driver.lock")
    assert lock.driven() is None
    assert not (tmp_path / "driver.lock").exists()
    with lock:
        lock.note([RunId("r-1"), RunId("r-2")])
        assert FileLock(tmp_path / "driver.lock").driven() == {"r-1", "r-2"}
    assert lock.driven() is None


# -- refused -------------------------------------------------------------------------------------------------------


def test_a_run_that_is_refused_leaves_no_run_behind(place: Place) -> None:
    with place.other_process().lock, pytest.raises(BongsuError) as caught:
        run_plan(place.platform, CHAIN)
    assert caught.value.problems[0].code.name == "run.driven-elsewhere"
    assert list_runs(place.platform) == []


def test_a_resume_that_is_refused_changes_nothing(place: Place) -> None:
    place.fate = place.cluster.fail
    outcome = run_plan(place.platform, CHAIN)
    assert outcome.problem is not None
    assert outcome.problem.code.name == "run.failed"
    run = outcome.details.run.id
    with place.other_process().lock, pytest.raises(BongsuError):
        resume_run(place.platform, run)
    assert show_run(place.platform, run).run.state is RunState.FAILED


def test_a_resumed_run_comes_to_its_end(place: Place) -> None:
    run = killed_in(place, "b", after=5)
    place.cluster.succeed(AttemptId(run_id=run, stage_id="b", number=1))
    outcome = resume_run(place.platform, run)
    assert outcome.problem is None
    assert outcome.details.run.state is RunState.SUCCEEDED
    assert not outcome.details.run.interrupted


# -- time of work --------------------------------------------------------------------------------------------------


def test_the_time_between_a_failure_and_its_resume_is_no_work(place: Place) -> None:
    def failing(attempt: AttemptId) -> None:
        place.now += 10
        place.cluster.fail(attempt)

    place.fate = failing
    run = run_plan(place.platform, CHAIN).details.run.id
    place.now += 10 * HOUR

    def succeeding(attempt: AttemptId) -> None:
        place.now += 10
        place.cluster.succeed(attempt)

    place.fate = succeeding
    ended = resume_run(place.platform, run).details.run
    assert ended.state is RunState.SUCCEEDED
    assert ended.elapsed_seconds == pytest.approx(10 * HOUR + 30, abs=1)
    assert ended.worked_seconds == pytest.approx(30, abs=1)


def test_an_interrupted_run_was_worked_on_until_its_last_sign_of_life(place: Place) -> None:
    def slow(attempt: AttemptId) -> None:
        place.now += 60
        place.cluster.succeed(attempt)

    place.fate = slow
    run = submit(place.platform, CHAIN).run
    with pytest.raises(Killed):
        drive(place.platform, [run.id], _dying_after(place, 60))
    place.now += 10 * HOUR
    found = show_run(place.platform, run.id).run
    assert found.interrupted
    assert found.worked_seconds == pytest.approx(60, abs=2)


def _dying_after(place: Place, seconds: float) -> Callable[[object], None]:
    begin = place.now

    def update(_progress: object) -> None:
        if place.now >= begin + seconds:
            raise Killed

    return update


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=8).map(sorted),
    st.data(),
)
def test_stretches_neither_overlap_nor_exceed_the_time_that_passed(
    begins: list[float], data: st.DataObject
) -> None:
    signs = data.draw(st.lists(st.none() | st.floats(0, 1e6), min_size=len(begins) - 1, max_size=len(begins) - 1))
    until = data.draw(st.floats(0, 2e6))
    found = stretches(begins, signs, until)
    assert all(since <= to for since, to in found)
    assert all(one[1] <= other[0] for one, other in pairwise(found))
    start, end = begins[0], max(until, begins[-1])
    worked = Worktime(found).within(start, end)
    assert worked is not None
    assert 0 <= worked <= (end - start) * (1 + 1e-9)


def test_what_never_started_was_not_worked_on() -> None:
    assert Worktime(()).within(None, None) is None
