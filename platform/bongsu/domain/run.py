"""States of runs, stages and attempts, and the moves between them that are allowed."""

from __future__ import annotations

from enum import StrEnum


class RunState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED)


class ShownState(StrEnum):
    """A run's state as lists show it: one that is not over and that no process drives is interrupted."""

    PENDING = "pending"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


class StageState(StrEnum):
    WAITING = "waiting"  # something upstream is not done
    READY = "ready"  # may start; no attempt is under way (new, or backing off before a retry)
    RUNNING = "running"  # an attempt is under way
    PUBLISHING = "publishing"  # the output stands; its registration is being written
    SUCCEEDED = "succeeded"
    CACHED = "cached"
    SKIPPED = "skipped"  # its condition was false, or what it needs was skipped
    FAILED = "failed"
    CANCELLED = "cancelled"  # by a person, or because an upstream stage failed

    @property
    def is_final(self) -> bool:
        return self in _FINAL_STAGE

    @property
    def has_output(self) -> bool:
        return self in (StageState.SUCCEEDED, StageState.CACHED)


VISIBLE_STATES = ("succeeded", "skipped", "failed", "cancelled")
"""What a condition reads as the state of a stage that is over. Work taken from the cache has succeeded: what a pipeline
does must not depend on what was done before."""

_FINAL_STAGE = frozenset(
    {StageState.SUCCEEDED, StageState.CACHED, StageState.SKIPPED, StageState.FAILED, StageState.CANCELLED}
)


class AttemptState(StrEnum):
    REQUESTED = "requested"  # recorded; the executor may or may not know it yet
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed-out"
    LOST = "lost"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self not in (AttemptState.REQUESTED, AttemptState.RUNNING)


class StopReason(StrEnum):
    """Why an attempt was asked to stop."""

    CANCELLED = "cancelled"
    TIMED_OUT = "timed-out"


STAGE_MOVES: dict[StageState, frozenset[StageState]] = {
    StageState.WAITING: frozenset({StageState.READY, StageState.SKIPPED, StageState.CANCELLED, StageState.FAILED}),
    StageState.READY: frozenset({StageState.RUNNING, StageState.CACHED, StageState.CANCELLED, StageState.FAILED}),
    StageState.RUNNING: frozenset(
        {
            StageState.PUBLISHING,
            StageState.SUCCEEDED,
            StageState.READY,
            StageState.FAILED,
            StageState.CANCELLED,
        }
    ),
    StageState.PUBLISHING: frozenset({StageState.SUCCEEDED, StageState.FAILED, StageState.CANCELLED}),
    # `bongsu resume` reopens what did not succeed.
    StageState.FAILED: frozenset({StageState.WAITING}),
    StageState.CANCELLED: frozenset({StageState.WAITING}),
    StageState.SKIPPED: frozenset({StageState.WAITING}),
    # And that whose outputs are not there any more.
    StageState.SUCCEEDED: frozenset({StageState.WAITING}),
    StageState.CACHED: frozenset({StageState.WAITING}),
}

RUN_MOVES: dict[RunState, frozenset[RunState]] = {
    RunState.PENDING: frozenset({RunState.RUNNING, RunState.CANCELLING}),
    RunState.RUNNING: frozenset({RunState.CANCELLING, RunState.SUCCEEDED, RunState.FAILED}),
    # A cancellation may come too late to change the outcome.
    RunState.CANCELLING: frozenset({RunState.CANCELLED, RunState.SUCCEEDED, RunState.FAILED}),
    RunState.FAILED: frozenset({RunState.PENDING}),
    RunState.CANCELLED: frozenset({RunState.PENDING}),
    RunState.SUCCEEDED: frozenset(),
}

_ENDS = frozenset(state for state in AttemptState if state.is_final)
ATTEMPT_MOVES: dict[AttemptState, frozenset[AttemptState]] = {
    AttemptState.REQUESTED: _ENDS | {AttemptState.RUNNING},
    AttemptState.RUNNING: _ENDS,
    **{state: frozenset() for state in AttemptState if state.is_final},
}
