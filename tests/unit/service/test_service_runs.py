"""Submitting, driving, cancelling and resuming, and what another process sees of it.

Long, because each of these is tried against what the others left behind, on the same simulated cluster.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from reconciler_faults import GatedPublisher
from service_places import Place, drive
from small_plans import plan_of, stage

from bongsu.artifacts.local import LocalStore
from bongsu.domain.ids import AttemptId, RunId, StageId, digest_of
from bongsu.domain.paging import PageRequest
from bongsu.domain.pipeline import Environment
from bongsu.domain.problems import BongsuError
from bongsu.domain.publication import ModelPage, Publication
from bongsu.domain.run import RunState
from bongsu.reconciler.lock import FileLock
from bongsu.service.cancelling import cancel, request_cancel
from bongsu.service.catalogue import InstalledStages
from bongsu.service.platform import run_id_at
from bongsu.service.resuming import resume
from bongsu.service.showing import list_runs, run_events, show_run
from bongsu.service.submitting import submit
from bongsu.store import outbox

CHAIN = plan_of(stage("a"), stage("b", "a"))


def code_of(caught: pytest.ExceptionInfo[BongsuError]) -> str:
    return caught.value.problems[0].code.name


def states(place: Place, run: str) -> dict[str, str]:
    return {s.planned.id: s.record.state.value for s in show_run(place.platform, run).stages}


# -- submitting ----------------------------------------------------------------------------------------------------


def test_submitting_a_plan_that_is_under_way_finds_its_run(place: Place) -> None:
    first, second = submit(place.platform, CHAIN), submit(place.platform, CHAIN)
    assert (first.created, second.created) == (True, False)
    assert first.run == second.run


def test_a_plan_that_was_run_can_be_run_again(place: Place) -> None:
    first = submit(place.platform, CHAIN)
    drive(place.platform, [first.run.id])
    assert submit(place.platform, CHAIN).created


def test_a_run_that_is_being_cancelled_is_not_the_one_that_a_submit_finds(place: Place) -> None:
    first = submit(place.platform, CHAIN)
    request_cancel(place.platform, first.run.id)
    assert submit(place.platform, CHAIN).created


def test_many_who_submit_one_plan_at_once_get_one_run(place: Place) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: submit(place.platform, CHAIN), range(16)))
    assert len({submission.run.id for submission in found}) == 1
    assert [submission.created for submission in found].count(True) == 1
    assert len(list_runs(place.platform)) == 1


def test_a_submit_that_draws_an_id_that_is_taken_draws_another(place: Place) -> None:
    drawn = iter([RunId("r-same"), RunId("r-same"), RunId("r-other")])
    platform = place.other_process(new_run_id=lambda _now: next(drawn))
    assert submit(platform, CHAIN).run.id == "r-same"
    assert submit(platform, plan_of(stage("z"))).run.id == "r-other"


def test_ids_of_runs_sort_by_their_time() -> None:
    moments = [0.0, 1.0, 1.5, 1_700_000_000.0, 1_800_000_000.5, 30_000_000_000.0]
    ids = [run_id_at(moment, lambda _below: 0) for moment in moments]
    assert ids == sorted(set(ids))
    assert all(len(one) == len("r-") + 12 for one in ids)


# -- driving -------------------------------------------------------------------------------------------------------


def test_a_run_is_driven_to_its_end_and_the_tracking_server_hears_of_it(place: Place) -> None:
    run = submit(place.platform, CHAIN).run
    views = []
    driven = drive(place.platform, [run.id], views.append)
    assert [ended.state for ended in driven.runs] == [RunState.SUCCEEDED]
    assert driven.undelivered == 0
    assert views[-1].done == 2
    assert [item.type for item in place.registry.items] == [
        "run-opened",
        "stage-finished",
        "stage-finished",
        "run-closed",
    ]


def test_a_second_run_of_the_same_plan_takes_everything_from_the_cache(place: Place) -> None:
    for expected in ("succeeded", "cached"):
        run = submit(place.platform, CHAIN).run
        drive(place.platform, [run.id])
        assert set(states(place, run.id).values()) == {expected}


def test_driving_a_run_that_is_not_there_says_so(place: Place) -> None:
    with pytest.raises(BongsuError) as caught:
        drive(place.platform, [RunId("r-nobody")])
    assert code_of(caught) == "run.unknown"


def test_who_drives_second_is_told_the_process_that_drives(place: Place) -> None:
    run = submit(place.platform, CHAIN).run
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from bongsu.reconciler.lock import FileLock\n"
            f"with FileLock(Path({str(place.folder / 'driver.lock')!r})): print('held', flush=True); sys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BongsuError) as caught:
            drive(place.platform, [run.id])
        assert code_of(caught) == "run.driven-elsewhere"
        assert f"pid {holder.pid}" in str(caught.value)
    finally:
        holder.kill()
        holder.communicate()
    assert drive(place.platform, [run.id]).runs[0].state is RunState.SUCCEEDED, "a dead holder holds nothing"


def test_the_lock_is_free_again_after_the_block(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "deep" / "driver.lock")
    for _ in range(2):
        with lock:
            pass


# -- cancelling ----------------------------------------------------------------------------------------------------


def test_a_cancel_without_a_driver_sees_the_run_to_its_end(place: Place) -> None:
    run = submit(place.platform, CHAIN).run
    assert cancel(place.platform, run.id).state is RunState.CANCELLED
    assert place.cluster.jobs == {}


def test_a_cancel_beside_a_driver_is_carried_out_by_the_driver(place: Place) -> None:
    started = threading.Event()

    def start(attempt: AttemptId) -> None:
        place.cluster.start(attempt)
        started.set()

    place.fate = start
    run = submit(place.platform, CHAIN).run
    with ThreadPoolExecutor(1) as pool:
        driving = pool.submit(drive, place.platform, [run.id])
        assert started.wait(20)
        noted = cancel(place.other_process(), run.id)
        assert noted.state in (RunState.CANCELLING, RunState.CANCELLED)
        assert driving.result(30).runs[0].state is RunState.CANCELLED
    assert place.cluster.live == []
    assert states(place, run.id) == {"a": "cancelled", "b": "cancelled"}


def test_cancelling_twice_is_cancelling_once(place: Place) -> None:
    run = submit(place.platform, CHAIN).run
    first = request_cancel(place.platform, run.id)
    assert request_cancel(place.platform, run.id) == first


def test_a_run_that_is_over_cannot_be_cancelled(place: Place) -> None:
    run = submit(place.platform, CHAIN).run
    drive(place.platform, [run.id])
    with pytest.raises(BongsuError) as caught:
        cancel(place.platform, run.id)
    assert code_of(caught) == "run.not-cancellable"


class Slow(GatedPublisher):
    """Does something when it is first told of the end of a run, which is when everything is over but that."""

    def __init__(self, place: Place, act: Callable[[], None]) -> None:
        super().__init__(place.registry)
        self.gate.set()
        self._act: Callable[[], None] | None = act

    def publish(self, items: Sequence[Publication]) -> Sequence[ModelPage]:
        if self._act and any(item.type == "run-closed" for item in items):
            act, self._act = self._act, None
            act()
        return super().publish(items)


def test_a_cancel_while_another_process_waits_for_the_tracking_server_is_carried_out(place: Place) -> None:
    orphan = submit(place.platform, plan_of(stage("z"))).run
    found: list[RunState] = []
    here = place.other_process()
    slow = Slow(place, lambda: found.append(cancel(here, orphan.id).state))
    drive(place.other_process(publisher=slow), [submit(place.platform, CHAIN).run.id])
    assert found == [RunState.CANCELLED]


def test_a_cancel_in_the_last_moment_before_the_lock_is_free_is_carried_out(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    orphan = submit(place.platform, plan_of(stage("z"))).run
    platform, let_go = place.other_process(), FileLock.__exit__
    told: list[RunState] = []

    def just_before(lock: FileLock, *error: Any) -> None:
        if lock is platform.lock and not told:
            told.append(cancel(place.other_process(), orphan.id).state)
        let_go(lock, *error)

    monkeypatch.setattr(FileLock, "__exit__", just_before)
    drive(platform, [submit(place.platform, CHAIN).run.id])
    assert told == [RunState.CANCELLING]
    assert show_run(place.platform, orphan.id).run.state is RunState.CANCELLED
    with FileLock(place.folder / "driver.lock"):
        pass


# -- resuming ------------------------------------------------------------------------------------------------------


def failing(place: Place, name: str) -> None:
    def fate(attempt: AttemptId) -> None:
        (place.cluster.fail if attempt.stage_id == name else place.cluster.succeed)(attempt)

    place.fate = fate


def test_the_first_failure_is_told_and_the_others_are_named(place: Place) -> None:
    def fate(attempt: AttemptId) -> None:
        place.now += 5
        place.cluster.fail(attempt, retryable=False)

    place.fate = fate
    run = submit(place.platform, plan_of(stage("early"), stage("other"), stage("third"))).run
    drive(place.platform, [run.id])
    assert str(show_run(place.platform, run.id).reason) == "early: It broke; also failed: other, third"


def test_a_resumed_run_does_only_what_did_not_succeed(place: Place) -> None:
    failing(place, "b")
    plan = plan_of(stage("a"), stage("b", "a"), stage("c", "b"))
    run = submit(place.platform, plan).run
    drive(place.platform, [run.id])
    assert states(place, run.id) == {"a": "succeeded", "b": "failed", "c": "cancelled"}
    assert str(show_run(place.platform, run.id).reason) == "b: It broke."
    place.fate = place.cluster.succeed
    assert resume(place.platform, run.id).state is RunState.PENDING
    drive(place.platform, [run.id])
    tries = {s.planned.id: [a.state.value for a in s.attempts] for s in show_run(place.platform, run.id).stages}
    assert tries == {"a": ["succeeded"], "b": ["failed", "succeeded"], "c": ["succeeded"]}


def test_a_resumed_run_makes_again_what_it_had_made_and_is_gone(place: Place) -> None:
    failing(place, "b")
    plan = plan_of(stage("a"), stage("kept"), stage("follower", "a"), stage("b", "a"))
    run = submit(place.platform, plan).run
    drive(place.platform, [run.id])
    made = {s.planned.id: s.record.outputs or {} for s in show_run(place.platform, run.id).stages}
    (lost,) = made["a"].values()
    assert isinstance(place.platform.artifacts, LocalStore)
    (place.platform.artifacts.root / "manifests" / f"{lost.digest}.json").unlink()
    place.fate = place.cluster.succeed
    resume(place.platform, run.id)
    drive(place.platform, [run.id])
    tries = {s.planned.id: [a.state.value for a in s.attempts] for s in show_run(place.platform, run.id).stages}
    assert tries["a"] == ["succeeded", "succeeded"]
    assert tries["b"] == ["failed", "succeeded"]
    after = states(place, run.id)
    assert (after["kept"], after["follower"]) == ("succeeded", "cached"), "it was asked whether it still follows"


def test_a_result_whose_output_is_not_in_the_store_is_no_success(place: Place) -> None:
    def lose(attempt: AttemptId) -> None:
        place.cluster.succeed(attempt)
        assert isinstance(place.platform.artifacts, LocalStore)
        for path in (place.platform.artifacts.root / "manifests").glob("*.json"):
            path.unlink()

    place.fate = lose
    run = submit(place.platform, plan_of(stage("a"))).run
    drive(place.platform, [run.id])
    shown = show_run(place.platform, run.id)
    assert shown.run.state is RunState.FAILED
    assert "is not in the artifact store as it was recorded" in str(shown.reason)


def test_a_stage_that_was_skipped_by_its_own_condition_stays_skipped(place: Place) -> None:
    failing(place, "b")
    plan = plan_of(stage("no", when="params.go"), stage("b"), parameters={"go": False})
    run = submit(place.platform, plan).run
    drive(place.platform, [run.id])
    resume(place.platform, run.id)
    assert states(place, run.id) == {"no": "skipped", "b": "waiting"}


def test_the_next_submit_of_the_plan_goes_on_with_a_resumed_run(place: Place) -> None:
    failing(place, "a")
    run = submit(place.platform, CHAIN).run
    drive(place.platform, [run.id])
    resume(place.platform, run.id)
    again = submit(place.platform, CHAIN)
    assert (again.created, again.run.id) == (False, run.id)


def test_a_run_that_is_resumed_while_its_driver_drives_another_is_driven_too(place: Place) -> None:
    other = plan_of(stage("slow"), name="other")
    begun, resumed = threading.Event(), threading.Event()

    def fate(attempt: AttemptId) -> None:
        if attempt.stage_id == "slow":
            place.cluster.start(attempt)
            begun.set()
        elif attempt.number == 1:
            place.cluster.fail(attempt)
        else:
            place.cluster.succeed(attempt)
            resumed.set()

    place.fate = fate
    first, second = submit(place.platform, plan_of(stage("a"))).run, submit(place.platform, other).run
    with ThreadPoolExecutor(1) as pool:
        driving = pool.submit(drive, place.platform, [first.id, second.id])
        assert begun.wait(20)
        while not show_run(place.platform, first.id).run.state.is_final:
            time.sleep(0.01)
        resume(place.other_process(), first.id)
        assert resumed.wait(20)
        place.cluster.succeed(next(iter(place.cluster.live)))
        assert [run.state for run in driving.result(30).runs] == [RunState.SUCCEEDED] * 2


@pytest.mark.parametrize(
    ("end", "code"), [("drive", "run.not-resumable"), ("request", "run.still-cancelling"), ("none", "run.unknown")]
)
def test_what_cannot_be_resumed_is_told(place: Place, end: str, code: str) -> None:
    run_id = submit(place.platform, CHAIN).run.id
    if end == "drive":
        drive(place.platform, [run_id])
    elif end == "request":
        request_cancel(place.platform, run_id)
    with pytest.raises(BongsuError) as caught:
        resume(place.platform, "nobody" if end == "none" else run_id)
    assert code_of(caught) == code


def test_what_would_run_by_other_code_than_was_planned_is_not_resumed(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("one==1\n")
    old = {"code": digest_of(b"older code")}
    masking = {"uses": "data.curate", "code": InstalledStages()["data.curate"].code}
    plan = plan_of(
        stage("a", **old),
        stage("b", "a"),
        stage("c", "b", **old),
        stage(
            "d",
            "b",
            environment=Environment(requirements=str(file)),
            requirements=digest_of(b"other content"),
        ),
        stage("e", "b", **masking, secrets={"BONGSU_MASKING_KEY": "a fingerprint"}),
        stage("f", "b", **masking),
    )
    failing(place, "b")
    run = submit(place.platform, plan).run
    drive(place.platform, [run.id])
    before = states(place, run.id)
    with pytest.raises(BongsuError) as caught:
        resume(place.platform, run.id)
    told = [(problem.code.name, problem.args["stage"]) for problem in caught.value.problems]
    assert told == [
        ("run.code-changed", "c"),
        ("run.requirements-changed", "d"),
        ("run.secret-changed", "e"),
    ], "a has succeeded and stays"
    assert states(place, run.id) == before
    assert show_run(place.platform, run.id).run.state is RunState.FAILED


def test_resuming_a_run_that_is_under_way_changes_nothing(place: Place) -> None:
    run = submit(place.platform, CHAIN).run
    assert resume(place.platform, run.id) == run


# -- showing -------------------------------------------------------------------------------------------------------


def test_the_log_of_a_run_is_told_from_any_entry_on(place: Place) -> None:
    run = submit(place.platform, plan_of(stage("a"))).run
    drive(place.platform, [run.id])
    every = run_events(place.platform, run.id)
    assert [event.type for event in every if event.type.startswith("attempt")] == [
        "attempt-requested",
        "attempt-finished",
    ]
    assert run_events(place.platform, run.id, PageRequest(behind=(every[2].sequence,))) == every[3:]


def test_a_stage_is_found_by_id_or_title_and_an_unknown_one_is_told(place: Place) -> None:
    submit(place.platform, plan_of(stage("prune-1", stage="prune", point={"keep": 0.5})))
    details = show_run(place.platform, "latest")
    assert details.stage("prune-1") is details.stage("prune (keep=0.5)")
    with pytest.raises(BongsuError) as caught:
        details.stage("prune")
    assert code_of(caught) == "run.unknown-stage"
    assert caught.value.problems[0].fix().startswith("Did you mean prune-1?")
    with pytest.raises(BongsuError) as caught:
        details.attempt(details.stage("prune-1"), 1)
    assert code_of(caught) == "run.unknown-attempt"
    assert details.attempt(details.stage("prune-1")) is None
    assert details.attempts({StageId("prune-1")}) == []


# -- telling MLflow ------------------------------------------------------------------------------------------------


def left_behind(place: Place, trouble: str) -> tuple[int, str]:
    """What a run says that leaves its records to another process."""
    tried: list[str] = []
    platform = place.other_process(on_leftover=lambda: tried.append("again"), tracking_trouble=lambda: trouble)
    driven = drive(platform, [submit(platform, CHAIN).run.id])
    assert tried == ["again"]
    return driven.undelivered, str(driven.trouble)


def test_a_run_says_what_keeps_another_process_from_telling_mlflow(place: Place) -> None:
    assert left_behind(place, "") == (0, "")
    count, trouble = left_behind(place, "mlflow.db: database is locked")
    assert (count > 2, trouble) == (True, "mlflow.db: database is locked")


def test_a_run_says_what_mlflow_did_not_take_before(place: Place) -> None:
    left_behind(place, "")
    with place.platform.database.write() as connection:
        outbox.mark_failed(connection, outbox.waiting(connection, 1)[0].number, "refused")
    assert left_behind(place, "")[1] == "refused"
