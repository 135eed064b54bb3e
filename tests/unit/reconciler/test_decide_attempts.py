"""What becomes of attempts: results, failures, retries, timeouts, losses, cancellation, resuming."""

from __future__ import annotations

import re

import pytest
from pure_run import PureRun
from small_plans import plan_of, stage

from bongsu.domain.attempt import Failure, FailureReason, Phase
from bongsu.domain.pipeline import Retries
from bongsu.domain.run import AttemptState, RunState
from bongsu.reconciler.actions import StopAttempt
from bongsu.reconciler.retry import MAX_LOST_IN_A_ROW


def started(*stages: str, **changes: object) -> PureRun:
    """A run whose first stages are under way."""
    run = PureRun(plan_of(*(stage(name, **changes) for name in stages or ("a",))))
    run.step()
    return run


# -- results -------------------------------------------------------------------------------------------------------


def test_a_running_attempt_is_noted_with_the_time_at_which_it_started() -> None:
    run = started()
    run.see("a", Phase.RUNNING, started=run.now - 3)
    run.step()
    assert run.attempt("a").state is AttemptState.RUNNING
    assert run.attempt("a").started_at == run.now - 3
    assert run.step() == []


@pytest.mark.parametrize("says", [Phase.LOST, Phase.FAILED, Phase.CANCELLED, Phase.ABSENT, Phase.RUNNING])
def test_a_result_record_decides_whatever_the_executor_says(says: Phase) -> None:
    run = started()
    run.succeed("a", {"loss": 2.0}, says=says)
    run.step()
    assert run.states == {"a": "succeeded"}
    assert run.facts.stages[run.plan.stages[0].id].metrics == {"loss": 2.0}


def test_success_without_a_record_is_a_loss() -> None:
    run = started()
    run.see("a", Phase.SUCCEEDED)
    run.step()
    assert run.ends("a")[0] == "lost"
    assert "without leaving a result" in (run.facts.attempts[run.plan.stages[0].id][0].failure or Failure).message


def test_an_attempt_that_nothing_is_known_of_is_left_alone() -> None:
    run = started()
    run.unseen("a")
    assert run.step() == []
    assert run.states == {"a": "running"}


def test_an_attempt_that_was_never_asked_for_is_asked_for_and_not_lost() -> None:
    run = started()
    run.see("a", Phase.ABSENT)
    assert run.step() == []
    assert run.live == ["a/1"]


def test_a_failure_record_of_an_attempt_that_the_executor_forgot_ends_it() -> None:
    run = started()
    run.fail("a")
    run.see("a", Phase.ABSENT)
    run.step()
    assert run.ends("a") == ["failed"]
    assert run.states == {"a": "failed"}


# -- retries -------------------------------------------------------------------------------------------------------


def test_a_failure_without_retries_fails_the_stage_with_its_message() -> None:
    run = started()
    run.fail("a")
    run.step()
    assert (run.states["a"], run.reason("a")) == ("failed", "a broke.")
    assert run.run_state is RunState.FAILED


def test_waits_grow_by_the_factor_up_to_the_longest() -> None:
    retries = Retries(limit=4, backoff="10s", factor=3, max_backoff="60s")
    run = started(retries=retries)
    for number, wait in enumerate((10, 30, 60, 60), start=1):
        run.fail("a")
        run.step()
        assert run.states == {"a": "ready"}
        run.now += wait - 0.1
        assert run.step() == [], f"retry {number} came before {wait} s"
        run.now += 0.2
        run.step()
        assert run.live == [f"a/{number + 1}"]
    run.fail("a")
    run.step()
    assert run.ends("a") == ["failed"] * 5
    assert run.states == {"a": "failed"}


def test_a_stage_that_waits_for_its_retry_says_what_happened() -> None:
    run = started(retries=Retries(limit=1, backoff="10s"))
    run.fail("a")
    run.step()
    assert run.reason("a") == "will be tried again: a broke."


def test_a_failure_that_trying_again_cannot_mend_is_not_tried_again() -> None:
    run = started(retries=3)
    run.fail("a", retryable=False)
    run.step()
    assert run.states == {"a": "failed"}


def test_a_clock_that_went_back_makes_nobody_wait_for_it() -> None:
    run = started(retries=Retries(limit=1, backoff="10s"))
    run.fail("a")
    run.step()
    run.now -= 3600
    run.step()
    assert run.live == ["a/2"]


def test_a_retry_that_succeeds_is_a_success() -> None:
    run = started(retries=1)
    run.fail("a")
    run.step()
    run.step()
    run.succeed("a")
    run.step()
    assert run.ends("a") == ["failed", "succeeded"]
    assert run.run_state is RunState.SUCCEEDED


# -- losses --------------------------------------------------------------------------------------------------------


def test_a_lost_attempt_does_not_count_against_retries() -> None:
    run = started(retries=0)
    run.see("a", Phase.LOST)
    run.step()
    assert run.ends("a") == ["lost", "requested"]


def test_a_running_attempt_without_a_trace_is_lost() -> None:
    run = started()
    run.see("a", Phase.RUNNING)
    run.step()
    run.see("a", Phase.ABSENT)
    run.step()
    assert run.ends("a")[0] == "lost"


def test_too_many_losses_in_a_row_fail_the_stage() -> None:
    run = started()
    for _ in range(MAX_LOST_IN_A_ROW):
        run.see("a", Phase.LOST)
        run.step()
    assert run.ends("a") == ["lost"] * MAX_LOST_IN_A_ROW
    assert run.states["a"] == "failed"
    reason = run.reason("a")
    assert reason.startswith("its worker was lost 5 times in a row")
    assert "The attempt is gone without a trace." in reason, "what was last heard"
    assert re.search(r"`bongsu logs r-\w+ a`", reason), "what to look at"


def test_too_many_losses_that_tell_their_cause_are_told_with_it_and_how_to_mend_it() -> None:
    run = started()
    silent = Failure(
        reason=FailureReason.CONTROL_PLANE_SILENT, message="Nobody answered it.", fix="See that the server runs."
    )
    for _ in range(MAX_LOST_IN_A_ROW):
        run.see("a", Phase.FAILED, failure=silent)
        run.step()
    assert run.states["a"] == "failed"
    assert run.reason("a").endswith("The last time: Nobody answered it. See that the server runs.")


def test_ends_of_the_driver_are_no_losses_of_the_worker() -> None:
    run = started()
    gone = Failure(reason=FailureReason.DRIVER_ENDED, message="The process that ran this attempt is gone.")
    for _ in range(3 * MAX_LOST_IN_A_ROW):
        run.see("a", Phase.LOST, gone)
        run.step()
    for _ in range(MAX_LOST_IN_A_ROW - 1):
        run.see("a", Phase.LOST)
        run.step()
    assert run.states["a"] == "running"
    run.see("a", Phase.LOST)
    run.step()
    assert run.states["a"] == "failed"


def test_a_failure_record_of_a_lost_worker_counts_as_the_failure_it_was() -> None:
    run = started(retries=0)
    run.fail("a")
    run.see("a", Phase.LOST)
    run.step()
    assert run.ends("a") == ["failed"]


def test_an_attempt_that_was_told_nothing_by_the_control_plane_is_lost_and_not_failed() -> None:
    run = started(retries=0)
    run.fail("a", reason="ControlPlaneSilent")
    run.step()
    assert run.ends("a") == ["lost", "requested"]
    assert run.live == ["a/2"], "it is tried again at once, and no retry of the stage is spent"


def test_an_attempt_whose_worker_was_refused_is_not_tried_again() -> None:
    run = started(retries=3)
    run.fail("a", reason="NotPermitted", retryable=False)
    run.step()
    assert (run.ends("a"), run.states["a"], run.reason("a")) == (["failed"], "failed", "a broke.")


# -- timeouts ------------------------------------------------------------------------------------------------------


def test_an_attempt_that_takes_too_long_is_stopped_once_and_retried_when_it_has_ended() -> None:
    run = started(timeout=60, retries=1)
    run.see("a", Phase.RUNNING, started=run.now)
    run.step()
    run.now += 60
    assert run.step() == []
    run.now += 1
    assert run.step() == [StopAttempt(run.attempt("a").id, "timed-out")]
    assert run.step() == [], "it is asked to stop once"
    run.see("a", Phase.CANCELLED)
    run.step()
    assert run.ends("a") == ["timed-out", "requested"]


def test_the_last_timeout_says_how_long_it_was() -> None:
    run = started(timeout=60)
    run.see("a", Phase.RUNNING, started=run.now - 61)
    run.step()
    run.see("a", Phase.CANCELLED)
    run.step()
    assert (run.states["a"], run.reason("a")) == ("failed", "It took longer than 60 s.")


def test_time_in_a_queue_does_not_count() -> None:
    run = started(timeout=60)
    run.see("a", Phase.QUEUED)
    run.now += 3600
    assert run.step() == []


def test_a_result_that_came_before_the_stop_counts() -> None:
    run = started(timeout=60)
    run.see("a", Phase.RUNNING, started=run.now - 61)
    run.step()
    run.succeed("a", says=Phase.CANCELLED)
    run.step()
    assert run.states == {"a": "succeeded"}


# -- cancelling ----------------------------------------------------------------------------------------------------


def test_cancelling_stops_what_runs_and_starts_nothing() -> None:
    run = PureRun(plan_of(stage("a"), stage("b", "a"), stage("c", retries=3)))
    run.step()
    run.see("a", Phase.RUNNING)
    run.fail("c")
    run.step()
    run.cancel()
    actions = run.step()
    assert StopAttempt(run.attempt("a").id, "cancelled") in actions
    assert run.states["b"] == "cancelled"
    assert run.run_state is RunState.CANCELLING, "the run is not over before its attempts are"
    run.see("a", Phase.CANCELLED)
    if run.live != ["a/1"]:
        run.see("c", Phase.CANCELLED)
    run.step()
    assert run.live == []
    assert run.run_state is RunState.CANCELLED
    assert set(run.states.values()) == {"cancelled"}


def test_a_run_that_is_cancelled_before_it_began_never_starts_an_attempt() -> None:
    run = PureRun(plan_of(stage("a"), stage("b", "a")))
    run.cancel()
    run.step()
    assert run.run_state is RunState.CANCELLED
    assert run.facts.attempts == {}


def test_an_attempt_that_was_never_asked_for_is_cancelled_without_asking() -> None:
    run = started()
    run.see("a", Phase.ABSENT)
    run.cancel()
    run.step()
    assert run.ends("a") == ["cancelled"]
    assert run.run_state is RunState.CANCELLED


def test_a_cancellation_that_comes_too_late_does_not_change_the_outcome() -> None:
    run = started()
    run.cancel()
    run.succeed("a")
    run.step()
    assert run.run_state is RunState.SUCCEEDED


def test_a_failure_while_cancelling_is_not_tried_again() -> None:
    run = started(retries=3)
    run.see("a", Phase.RUNNING)
    run.step()
    run.cancel()
    run.fail("a")
    run.step()
    assert run.live == []
    assert run.run_state is RunState.CANCELLED


# -- resuming ------------------------------------------------------------------------------------------------------


def test_a_resumed_stage_has_all_its_retries_again_and_its_numbers_go_on() -> None:
    run = started(retries=1)
    for _ in range(2):
        run.fail("a")
        run.step()
        run.step()
    assert run.run_state is RunState.FAILED
    run.reopen()
    run.step()
    assert run.live == ["a/3"]
    run.fail("a")
    run.step()
    run.step()
    assert run.live == ["a/4"]
    run.succeed("a")
    run.step()
    assert run.run_state is RunState.SUCCEEDED


def test_what_succeeded_before_is_not_done_again() -> None:
    run = PureRun(plan_of(stage("a"), stage("b", "a"), stage("c", "b")))
    run.step()
    run.succeed("a")
    run.step()
    run.fail("b")
    run.step()
    assert run.states == {"a": "succeeded", "b": "failed", "c": "cancelled"}
    run.reopen()
    run.step()
    assert run.live == ["b/2"]
    run.succeed("b")
    run.step()
    run.succeed("c")
    run.step()
    assert run.ends("a") == ["succeeded"]
    assert run.run_state is RunState.SUCCEEDED


def test_losses_before_resuming_do_not_count() -> None:
    run = started()
    for _ in range(MAX_LOST_IN_A_ROW):
        run.see("a", Phase.LOST)
        run.step()
    run.reopen()
    run.step()
    run.see("a", Phase.LOST)
    run.step()
    assert run.live == [f"a/{MAX_LOST_IN_A_ROW + 2}"]
