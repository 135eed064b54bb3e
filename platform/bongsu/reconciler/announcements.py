"""What the tracking server is told: publications made from facts and actions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.attempt import AttemptResult, Failure
from bongsu.domain.labels import Label
from bongsu.domain.plan import PlannedStage
from bongsu.domain.publication import MetricPoint, PublishedTree, RunClosed, RunOpened, StageFinished
from bongsu.domain.run import AttemptState
from bongsu.planner.taken_trees import TakenTree, label_of
from bongsu.reconciler.actions import TakeOutputs
from bongsu.reconciler.facts import RunFacts
from bongsu.store.records import AttemptRecord, RunRecord

Inputs = Mapping[str, tuple[TakenTree, ...]]


def run_opened(facts: RunFacts, now: float) -> RunOpened:
    plan = facts.plan
    return RunOpened(
        run_id=facts.run.id,
        pipeline=plan.metadata.name,
        ministry=plan.metadata.ministry,
        plan_hash=facts.run.plan_hash,
        purpose=plan.purpose.statement,
        use_class=plan.purpose.use_class.value,
        label=plan.label,
        parameters=dict(plan.parameters),
        time=_time(now),
    )


def run_closed(run: RunRecord, now: float) -> RunClosed:
    """Args: run: in its final state."""
    return RunClosed(
        run_id=run.id,
        ministry=run.ministry,
        pipeline=run.pipeline,
        state=run.state.value,
        label=Label.parse(run.label),
        time=_time(now),
    )


@dataclass(frozen=True)
class Ending:
    """How an attempt ended; ``attempt`` is as it was before."""

    planned: PlannedStage
    attempt: AttemptRecord
    state: AttemptState
    outcome: AttemptResult | Failure | None


def attempt_finished(
    facts: RunFacts, ending: Ending, inputs: Inputs, history: tuple[MetricPoint, ...], now: float
) -> StageFinished:
    """One attempt that is over, whatever its end."""
    planned, attempt = ending.planned, ending.attempt
    result = ending.outcome if isinstance(ending.outcome, AttemptResult) else None
    failure = ending.outcome if isinstance(ending.outcome, Failure) else None
    made = result.outputs if result else failure.evidence if failure else {}
    started = attempt.started_at if attempt.started_at is not None else attempt.requested_at
    return StageFinished(
        run_id=facts.run.id,
        ministry=facts.run.ministry,
        stage_id=planned.id,
        attempt=attempt.id.number,
        title=planned.title,
        uses=planned.uses,
        pipeline=facts.run.pipeline,
        state=ending.state.value,
        label=label_of(planned, inputs, made),
        params=planned.params,
        metrics=result.metrics if result else {},
        history=history,
        inputs=_published(inputs),
        outputs=_made(result.outputs, planned) if result else (),
        notes=result.notes if result else {},
        environment=result.environment if result else {},
        failure=f"{failure.reason}: {failure.message}" if failure else "",
        started_at=result.started_at if result else _time(min(started, now)),
        finished_at=result.finished_at if result else _time(now),
    )


def stage_cached(
    facts: RunFacts, planned: PlannedStage, action: TakeOutputs, inputs: Inputs, now: float
) -> StageFinished:
    """A stage that took its outputs from an earlier run; attempt 0."""
    return StageFinished(
        run_id=facts.run.id,
        ministry=facts.run.ministry,
        stage_id=planned.id,
        attempt=0,
        title=planned.title,
        uses=planned.uses,
        pipeline=facts.run.pipeline,
        state="cached",
        label=label_of(planned, inputs, action.outputs),
        params=planned.params,
        metrics=dict(action.metrics),
        inputs=_published(inputs),
        outputs=_made(action.outputs, planned),
        started_at=_time(now),
        finished_at=_time(now),
    )


def _published(inputs: Inputs) -> tuple[PublishedTree, ...]:
    return tuple(
        PublishedTree(port=port, title=tree.title, ref=tree.ref) for port, trees in inputs.items() for tree in trees
    )


def _made(outputs: Mapping[str, ArtifactRef], planned: PlannedStage) -> tuple[PublishedTree, ...]:
    return tuple(PublishedTree(port=port, title=planned.title, ref=ref) for port, ref in outputs.items())


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
