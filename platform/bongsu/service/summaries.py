"""Runs, stages and attempts as those who look at them see them: what the store holds, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.attempt import Failure
from bongsu.domain.ids import AttemptId, Digest, RunId, StageId
from bongsu.domain.run import AttemptState, RunState, StageState, StopReason
from bongsu.service.worktime import Worktime
from bongsu.store.records import AttemptRecord, RunRecord, StageRecord


@dataclass(frozen=True)
class RunSummary:
    """A run without its plan. Times in seconds since the epoch.

    Attributes:
        interrupted: it is not over, and no process drives it: it stands still until somebody resumes it.
        worked_seconds: how long it was worked on, times without a driver left out; None before it started.
    """

    id: RunId
    pipeline: str
    ministry: str
    plan_hash: Digest
    state: RunState
    label: str
    use_class: str
    created_at: float
    started_at: float | None
    finished_at: float | None
    interrupted: bool
    worked_seconds: float | None

    @property
    def elapsed_seconds(self) -> float | None:
        """From its start to its end, whether or not anybody worked on it; None before the end."""
        if self.started_at is None or self.finished_at is None:
            return None
        return self.finished_at - self.started_at


@dataclass(frozen=True)
class StageSummary:
    """A stage of a run: its state and what it gave. ``worked_seconds`` as of a run."""

    run_id: RunId
    stage_id: StageId
    position: int
    state: StageState
    reason: str
    cache_key: Digest | None
    outputs: dict[str, ArtifactRef]
    metrics: dict[str, float]
    notes: dict[str, str]
    started_at: float | None
    finished_at: float | None
    worked_seconds: float | None


@dataclass(frozen=True)
class AttemptSummary:
    """One try at a stage. ``last_step`` is the last step that it reported."""

    id: AttemptId
    state: AttemptState
    stop_reason: StopReason | None
    requested_at: float
    started_at: float | None
    finished_at: float | None
    failure: Failure | None
    environment: dict[str, str]
    peak_memory_bytes: int | None
    last_step: int | None


def summarise_run(record: RunRecord, worktime: Worktime, *, driven: bool) -> RunSummary:
    """Args: the row, when it was worked on, and whether a process drives it at this moment."""
    return RunSummary(
        id=record.id,
        pipeline=record.pipeline,
        ministry=record.ministry,
        plan_hash=record.plan_hash,
        state=record.state,
        label=record.label,
        use_class=record.use_class,
        created_at=record.created_at,
        started_at=record.started_at,
        finished_at=record.finished_at,
        interrupted=not record.state.is_final and not driven,
        worked_seconds=worktime.within(record.started_at, record.finished_at),
    )


def summarise_stage(record: StageRecord, worktime: Worktime) -> StageSummary:
    return StageSummary(
        run_id=record.run_id,
        stage_id=record.stage_id,
        position=record.position,
        state=record.state,
        reason=record.reason,
        cache_key=record.cache_key,
        outputs=record.outputs,
        metrics=record.metrics,
        notes=record.notes,
        started_at=record.started_at,
        finished_at=record.finished_at,
        worked_seconds=worktime.within(record.started_at, record.finished_at),
    )


def summarise_attempt(record: AttemptRecord) -> AttemptSummary:
    return AttemptSummary(
        id=record.id,
        state=record.state,
        stop_reason=record.stop_reason,
        requested_at=record.requested_at,
        started_at=record.started_at,
        finished_at=record.finished_at,
        failure=record.failure,
        environment=record.environment,
        peak_memory_bytes=record.peak_memory_bytes,
        last_step=record.last_step,
    )
