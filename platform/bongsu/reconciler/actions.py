"""Decisions of the reconciler, as data. Each is carried out in the store; none talks to an executor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.attempt import AttemptResult, Failure
from bongsu.domain.ids import AttemptId, Digest, StageId
from bongsu.domain.phrases import Words
from bongsu.domain.problems import Problem
from bongsu.domain.run import AttemptState, RunState, StageState, StopReason
from bongsu.planner.cache_key import Parts
from bongsu.reconciler.facts import Registered
from bongsu.store.records import StageRecord


@dataclass(frozen=True)
class MoveStage:
    stage_id: StageId
    old: StageState
    new: StageState
    reason: Words = ""


@dataclass(frozen=True)
class TakeOutputs:
    """The stage has these outputs now: from an attempt, or (``result`` is None) from the cache."""

    stage_id: StageId
    outputs: Mapping[str, ArtifactRef]
    metrics: Mapping[str, float]
    key: Digest
    result: AttemptResult | None


@dataclass(frozen=True)
class RememberOutputs:
    """Later runs may take these outputs instead of running the stage; ``seconds`` is what making them took."""

    stage_id: StageId
    key: Digest
    parts: Parts
    outputs: Mapping[str, ArtifactRef]
    metrics: Mapping[str, float]
    seconds: float


@dataclass(frozen=True)
class RecordVersion:
    """The registry has made a version out of the stage's registration."""

    stage_id: StageId
    registered: Registered


@dataclass(frozen=True)
class RequestAttempt:
    attempt: AttemptId
    key: Digest


@dataclass(frozen=True)
class RefuseLaunch:
    """Rules deny what the stage was to begin with; it is recorded for good."""

    stage_id: StageId
    problems: Sequence[Problem]


@dataclass(frozen=True)
class MarkStarted:
    attempt: AttemptId
    started_at: float


@dataclass(frozen=True)
class StopAttempt:
    """Ask the executor to end the attempt."""

    attempt: AttemptId
    reason: StopReason


@dataclass(frozen=True)
class FinishAttempt:
    """The attempt is over. ``held`` is from when until when it held what it asked for, in seconds since the epoch; None
    if it never did, as far as anybody knows."""

    attempt: AttemptId
    state: AttemptState
    outcome: AttemptResult | Failure | None
    held: tuple[float, float] | None = None


@dataclass(frozen=True)
class MoveRun:
    new: RunState


Action = (
    MoveStage
    | TakeOutputs
    | RememberOutputs
    | RecordVersion
    | RequestAttempt
    | RefuseLaunch
    | MarkStarted
    | StopAttempt
    | FinishAttempt
    | MoveRun
)


def folded(record: StageRecord, action: MoveStage | TakeOutputs) -> StageRecord:
    """The record of a stage once the action on it is carried out: for who decides on what will be so, and for who
    carries out one action after another."""
    match action:
        case MoveStage(new=new, reason=reason):
            return replace(record, state=new, reason=reason)
        case TakeOutputs(outputs=outputs, metrics=metrics, key=key):
            return replace(record, outputs=dict(outputs), metrics=dict(metrics), cache_key=key)


def stage_of(action: Action) -> StageId | None:
    """The stage that it changes, or one of whose attempts it changes; None if it changes the run alone."""
    match action:
        case MoveRun():
            return None
        case RequestAttempt() | MarkStarted() | StopAttempt() | FinishAttempt():
            return action.attempt.stage_id
        case _:
            return action.stage_id
