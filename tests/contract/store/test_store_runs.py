"""Runs, stages and attempts in the store: what is kept, what is found, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from small_plans import plan_of, ref_of, stage
from sqlalchemy.exc import IntegrityError
from store_places import NOW, RUN, chain, submitted, with_attempt

from bongsu.domain.attempt import AttemptResult, Failure
from bongsu.domain.ids import AttemptId, RunId, StageId, digest_of
from bongsu.domain.problems import BongsuError
from bongsu.domain.run import RUN_MOVES, STAGE_MOVES, AttemptState, RunState, StageState, StopReason
from bongsu.reconciler.loading import load_facts
from bongsu.store import attempts, runs, stages
from bongsu.store.database import Database
from bongsu.store.stages import StageMove
from bongsu.store.taken import Taken

OTHER = RunId("r-000000000002")


def code_of(caught: pytest.ExceptionInfo[BongsuError]) -> str:
    return caught.value.problems[0].code.name


def move_to(database: Database, state: RunState, run_id: RunId = RUN) -> None:
    with database.write() as connection:
        runs.move_run(connection, runs.get_run(connection, run_id), state, NOW)


# -- runs ----------------------------------------------------------------------------------------------------------


def test_a_submitted_run_is_there_with_its_plan_and_all_its_stages(database: Database) -> None:
    submitted(database)
    with database.read() as connection:
        facts = load_facts(connection, RUN)
    assert facts.plan == chain()
    assert facts.plan.hash == facts.run.plan_hash
    assert [record.state for record in facts.stages.values()] == [StageState.WAITING] * 2
    assert (facts.run.state, facts.run.version) == (RunState.PENDING, 0)


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    def create_and_break() -> None:
        with database.write() as connection:
            runs.create_run(connection, RUN, chain(), NOW)
            raise KeyError

    with pytest.raises(KeyError):
        create_and_break()
    with database.read() as connection:
        assert runs.list_runs(connection) == []


def test_one_plan_has_one_open_run(database: Database) -> None:
    submitted(database)
    with pytest.raises(Taken, match="runs"):
        submitted(database, OTHER)
    with database.read() as connection:
        found = runs.open_run_of(connection, chain().hash)
    assert found is not None
    assert found.id == RUN


@pytest.mark.parametrize("state", [RunState.CANCELLING, RunState.SUCCEEDED, RunState.FAILED])
def test_a_run_that_ends_makes_room_for_another_of_its_plan(database: Database, state: RunState) -> None:
    submitted(database)
    if state is not RunState.CANCELLING:
        move_to(database, RunState.RUNNING)
    move_to(database, state)
    submitted(database, OTHER)


def test_a_resumed_run_is_the_open_one_of_its_plan_again(database: Database) -> None:
    submitted(database)
    for state in (RunState.RUNNING, RunState.FAILED, RunState.PENDING):
        move_to(database, state)
    with database.read() as connection:
        found = runs.open_run_of(connection, chain().hash)
    assert found is not None
    assert found.id == RUN


def test_a_run_can_be_resumed_beside_a_newer_one_of_its_plan(database: Database) -> None:
    submitted(database)
    for state in (RunState.RUNNING, RunState.FAILED):
        move_to(database, state)
    submitted(database, OTHER)
    move_to(database, RunState.PENDING)
    with database.read() as connection:
        found = runs.open_run_of(connection, chain().hash)
        assert runs.get_run(connection, RUN).state is RunState.PENDING
    assert found is not None
    assert found.id == OTHER


def test_only_the_moves_of_the_table_are_made(database: Database) -> None:
    submitted(database)
    with database.read() as connection:
        record = runs.get_run(connection, RUN)
    for old in RunState:
        for new in set(RunState) - RUN_MOVES[old]:
            with pytest.raises(BongsuError) as caught, database.write() as connection:
                runs.move_run(connection, replace(record, state=old), new, NOW)
            assert code_of(caught) == "run.invalid-move"


def test_a_move_from_a_state_that_no_longer_holds_is_refused(database: Database) -> None:
    submitted(database)
    with database.read() as connection:
        old = runs.get_run(connection, RUN)
    move_to(database, RunState.RUNNING)
    with pytest.raises(BongsuError) as caught, database.write() as connection:
        runs.move_run(connection, old, RunState.CANCELLING, NOW)
    assert code_of(caught) == "run.invalid-move"


def test_who_decided_on_an_older_version_is_refused_and_changes_nothing(database: Database) -> None:
    submitted(database)
    with database.write() as connection:
        runs.claim_version(connection, RUN, 0)

    def decide_too_late() -> None:
        with database.write() as connection:
            runs.move_run(connection, runs.get_run(connection, RUN), RunState.RUNNING, NOW)
            runs.claim_version(connection, RUN, 0)

    with pytest.raises(runs.StaleRun):
        decide_too_late()
    with database.read() as connection:
        record = runs.get_run(connection, RUN)
    assert (record.state, record.version) == (RunState.PENDING, 1)


def test_a_run_is_found_by_its_beginning_or_as_the_latest(database: Database) -> None:
    submitted(database, RunId("r-aaa000000001"))
    submitted(database, RunId("r-aab000000002"), plan_of(stage("x")), NOW + 1)
    with database.read() as connection:
        assert runs.find_run(connection, "latest").id == "r-aab000000002"
        assert runs.find_run(connection, "r-aaa").id == "r-aaa000000001"
        for text, code in (
            ("r-aa", "run.ambiguous"),
            ("r-b", "run.unknown"),
            ("", "run.unknown"),
            ("%", "run.unknown"),
        ):
            with pytest.raises(BongsuError) as caught:
                runs.find_run(connection, text)
            assert code_of(caught) == code, text
            said = str(caught.value)
            assert "r-aaa000000001" not in said, "who is told of a run reads it"
            assert ("2 run ids" in said) is (code == "run.ambiguous")


def test_an_id_that_is_the_beginning_of_another_is_found(database: Database) -> None:
    submitted(database, RunId("r-a"))
    submitted(database, RunId("r-ab"), plan_of(stage("x")))
    with database.read() as connection:
        assert runs.find_run(connection, "r-a").id == "r-a"


def test_runs_are_listed_newest_first_by_state_and_pipeline(database: Database) -> None:
    submitted(database)
    submitted(database, OTHER, plan_of(stage("x"), name="other"), NOW + 1)
    move_to(database, RunState.RUNNING)
    with database.read() as connection:
        assert [run.id for run in runs.list_runs(connection)] == [OTHER, RUN]
        assert [run.id for run in runs.list_runs(connection, [RunState.RUNNING])] == [RUN]
        assert [run.id for run in runs.list_runs(connection, pipeline="other")] == [OTHER]
        assert [run.id for run in runs.list_runs(connection, limit=1)] == [OTHER]
        assert list(runs.active_versions(connection)) == [RUN, OTHER]


# -- stages --------------------------------------------------------------------------------------------------------


def test_only_the_moves_of_stages_that_the_table_has_are_made(database: Database) -> None:
    submitted(database)
    for old in StageState:
        for new in set(StageState) - STAGE_MOVES[old]:
            with pytest.raises(BongsuError) as caught, database.write() as connection:
                stages.move_stage(connection, StageMove(RUN, StageId("a"), old, new, NOW))
            assert code_of(caught) == "run.invalid-move"


def test_what_a_stage_gave_is_kept_and_forgotten_when_it_is_reopened(database: Database) -> None:
    submitted(database)
    with_attempt(database)
    outcome = stages.StageOutcome({"files": ref_of("x")}, {"loss": 1.5}, {"note": "한글"}, digest_of(b"key"))
    with database.write() as connection:
        stages.set_outcome(connection, RUN, StageId("a"), outcome)
        move = StageMove(RUN, StageId("a"), StageState.RUNNING, StageState.FAILED, NOW, "why")
        stages.move_stage(connection, move)
    with database.write() as connection:
        record = stages.stages_of(connection, RUN)[0]
        assert (record.outputs, record.metrics, record.notes) == (outcome.outputs, outcome.metrics, outcome.notes)
        assert (record.cache_key, record.reason, record.finished_at) == (digest_of(b"key"), "why", NOW)
        stages.reopen_stage(connection, record, 1, NOW)
        fresh = stages.stages_of(connection, RUN)[0]
    assert (fresh.state, fresh.outputs, fresh.metrics, fresh.cache_key) == (StageState.WAITING, {}, {}, None)
    assert (fresh.reopened_after, fresh.started_at, fresh.finished_at) == (1, None, None)


# -- attempts ------------------------------------------------------------------------------------------------------


def test_an_attempt_is_kept_from_request_to_result(database: Database) -> None:
    submitted(database)
    attempt = with_attempt(database)
    started, finished = datetime.fromtimestamp(NOW + 1, UTC), datetime.fromtimestamp(NOW + 9, UTC)
    result = AttemptResult(
        id=attempt,
        outputs={},
        environment={"torch": "2.9"},
        started_at=started,
        finished_at=finished,
        peak_memory_bytes=3 * 2**40,
    )
    with database.write() as connection:
        attempts.mark_started(connection, attempt, NOW + 2)
        attempts.note_progress(connection, attempt, 7, 1234)
        attempts.finish_attempt(connection, attempt, AttemptState.SUCCEEDED, NOW + 10, result)
        (record,) = attempts.attempts_of(connection, RUN)
    assert record.state is AttemptState.SUCCEEDED
    assert (record.requested_at, record.started_at, record.finished_at) == (NOW, NOW + 1, NOW + 9)
    assert (record.environment, record.peak_memory_bytes, record.last_step) == ({"torch": "2.9"}, 3 * 2**40, 7)


def test_an_attempt_ends_once(database: Database) -> None:
    submitted(database)
    attempt = with_attempt(database)
    failure = Failure(reason="StageError", message="It broke.")
    with database.write() as connection:
        attempts.finish_attempt(connection, attempt, AttemptState.FAILED, NOW, failure)
    late = (
        lambda c: attempts.finish_attempt(c, attempt, AttemptState.SUCCEEDED, NOW, None),
        lambda c: attempts.mark_started(c, attempt, NOW),
        lambda c: attempts.ask_to_stop(c, attempt, StopReason.CANCELLED),
    )
    for act in late:
        with pytest.raises(BongsuError) as caught, database.write() as connection:
            act(connection)
        assert code_of(caught) == "run.invalid-move"
    with database.read() as connection:
        (record,) = attempts.attempts_of(connection, RUN)
    assert (record.state, record.failure) == (AttemptState.FAILED, failure)


def test_an_attempt_starts_once(database: Database) -> None:
    submitted(database)
    attempt = with_attempt(database)
    with database.write() as connection:
        attempts.mark_started(connection, attempt, NOW)
    with pytest.raises(BongsuError) as caught, database.write() as connection:
        attempts.mark_started(connection, attempt, NOW + 5)
    assert code_of(caught) == "run.invalid-move"
    with database.read() as connection:
        (record,) = attempts.attempts_of(connection, RUN)
    assert record.started_at == NOW


def test_a_number_is_given_once(database: Database) -> None:
    submitted(database)
    attempt = with_attempt(database)
    with pytest.raises(IntegrityError), database.write() as connection:
        attempts.request_attempt(connection, attempt, NOW)


def test_an_attempt_of_a_stage_that_is_not_there_is_refused(database: Database) -> None:
    submitted(database)
    stranger = AttemptId(run_id=RUN, stage_id=StageId("z"), number=1)
    with pytest.raises(IntegrityError), database.write() as connection:
        attempts.request_attempt(connection, stranger, NOW)
