"""A run as somebody who watches it sees it, at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bongsu.domain.attempt import Observation
from bongsu.domain.ids import AttemptId, StageId
from bongsu.domain.phrases import Words
from bongsu.domain.plan import PlannedStage
from bongsu.domain.run import AttemptState, StageState
from bongsu.reconciler.facts import RunFacts
from bongsu.reconciler.progress import AttemptProgress
from bongsu.store.records import AttemptRecord, StageRecord


@dataclass(frozen=True)
class StageView:
    """One stage.

    Attributes:
        title: as :func:`bongsu.domain.titles.brief` takes it.
        reason: why it is in this state, where there is something to say.
        attempt: number of the newest attempt, 0 before the first.
        broken: why the last attempt that is over did not succeed; empty if none is, or if it did.
        step, total: of the attempt that runs; None while it has not said.
        seconds: how long it has run, or ran.
        seconds_left: to its end, None while nobody knows.
        phase: the worker's own word for what it is at.
        waiting_for: what holds it before it runs.
    """

    id: StageId
    title: str
    state: StageState
    reason: Words = ""
    attempt: int = 0
    broken: Words = ""
    step: int | None = None
    total: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: float | None = None
    seconds_left: float | None = None
    phase: Words = ""
    waiting_for: Words = ""


@dataclass(frozen=True)
class RunView:
    """The whole run.

    Attributes:
        seconds_left: along the longest path of what is known; None while nothing is.
        trouble: why nothing moves although it should, e.g. that the executor does not answer.
    """

    stages: tuple[StageView, ...]
    seconds_left: float | None = None
    trouble: Words = ""

    @property
    def takes_longer(self) -> bool:
        """True if ``seconds_left`` leaves out stages of which nobody knows how long they take."""
        return any(stage.seconds_left is None and not stage.state.is_final for stage in self.stages)

    @property
    def done(self) -> int:
        """Stages that are over."""
        return sum(stage.state.is_final for stage in self.stages)


@dataclass(frozen=True)
class Watch:
    """What is known beside the store: events, the executor's word, durations of earlier runs in seconds, time."""

    progress: Mapping[AttemptId, AttemptProgress]
    observations: Mapping[AttemptId, Observation]
    usual_seconds: Mapping[str, float]
    now: float
    trouble: Words = ""


def view_of(facts: RunFacts, watch: Watch) -> RunView:
    stages = tuple(_stage(planned, facts, watch) for planned in facts.plan.stages)
    return RunView(stages, _left(facts, stages), watch.trouble)


def _stage(planned: PlannedStage, facts: RunFacts, watch: Watch) -> StageView:
    record = facts.stages[planned.id]
    tries = facts.attempts.get(planned.id, ())
    last = tries[-1] if tries else None
    live = last if last and not last.state.is_final else None
    progress = watch.progress.get(last.id) if last else None
    seen = watch.observations.get(live.id) if live else None
    shown = record.metrics or (progress.metrics if progress else {})
    return StageView(
        id=planned.id,
        title=planned.title,
        state=record.state,
        reason=record.reason,
        attempt=last.id.number if last else 0,
        broken=_broken(tries),
        step=progress.step if progress and live else None,
        total=progress.total if progress and live else None,
        metrics=dict(shown),
        seconds=_seconds(record, live, watch.now),
        seconds_left=_stage_left(planned, record, live, progress, watch),
        phase=progress.phase if progress and live else "",
        waiting_for=seen.waiting_for if seen else "",
    )


def _broken(tries: Sequence[AttemptRecord]) -> Words:
    over = [attempt for attempt in tries if attempt.state.is_final]
    if not over or over[-1].state is AttemptState.SUCCEEDED:
        return ""
    return over[-1].failure.message if over[-1].failure else over[-1].state.value


def _seconds(record: StageRecord, live: AttemptRecord | None, now: float) -> float | None:
    if live is not None:
        return max(0.0, now - live.started_at) if live.started_at else None
    if record.started_at is None or record.finished_at is None:
        return None
    return max(0.0, record.finished_at - record.started_at)


def _stage_left(
    planned: PlannedStage,
    record: StageRecord,
    live: AttemptRecord | None,
    progress: AttemptProgress | None,
    watch: Watch,
) -> float | None:
    if record.state.is_final:
        return 0.0
    usual = watch.usual_seconds.get(planned.id)
    if live is None or live.started_at is None:
        return usual
    if progress is not None and progress.seconds_left is not None:
        return progress.seconds_left
    return None if usual is None else max(0.0, usual - (watch.now - live.started_at))


def _left(facts: RunFacts, stages: tuple[StageView, ...]) -> float | None:
    """Seconds along the longest path of what is left. What nobody knows counts as nothing; None if that is all."""
    by_id = {stage.id: stage for stage in stages}
    ends: dict[StageId, float] = {}
    for planned in facts.plan.stages:
        before = max((ends[name] for name in planned.upstream), default=0.0)
        ends[planned.id] = before + (by_id[planned.id].seconds_left or 0.0)
    known = max(ends.values(), default=0.0)
    return None if known == 0.0 and any(stage.seconds_left is None for stage in stages) else known
