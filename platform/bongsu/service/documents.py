"""A run as a JSON document: one shape, whichever command or interface gives it. docs/json.md lists its keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest, StageId
from bongsu.domain.labels import Label, high_water_mark
from bongsu.domain.phrases import Words
from bongsu.domain.pipeline import Metadata, Purpose, Scalar
from bongsu.domain.plan import ApprovalNeed, PlannedInput, PlannedStage, RunPlan, SkippedStage
from bongsu.domain.problem_documents import ProblemDocument
from bongsu.domain.problems import Problem
from bongsu.domain.run import StageState
from bongsu.service.grants.documents import StandingDocument, standing_document
from bongsu.service.models import ModelVersion
from bongsu.service.plane import PlanShown
from bongsu.service.showing import RunDetails, StageDetails
from bongsu.service.summaries import AttemptSummary, RunSummary
from bongsu.service.variants import Variant
from bongsu.service.watching import RunProgress, StageProgress


@dataclass(frozen=True)
class TreeDocument:
    """What a stage made; ``size`` in bytes."""

    digest: Digest
    type: ArtifactType
    label: str
    size: int


@dataclass(frozen=True)
class ProgressDocument:
    """How far a stage is that runs."""

    step: int | None
    total: int | None
    phase: Words
    metrics: Mapping[str, float]
    seconds_left: float | None


@dataclass(frozen=True)
class StageDocument:
    """A stage with its attempts, in the order of their numbers; ``progress`` is None unless it runs."""

    id: StageId
    title: str
    uses: str
    point: Mapping[str, Scalar]
    params: Mapping[str, Any]
    label: str
    state: StageState
    reason: Words
    started_at: float | None
    finished_at: float | None
    worked_seconds: float | None
    cache_key: Digest | None
    outputs: Mapping[str, TreeDocument]
    metrics: Mapping[str, float]
    notes: Mapping[str, str]
    progress: ProgressDocument | None
    attempts: Sequence[AttemptSummary]


@dataclass(frozen=True)
class VariantDocument:
    """One model of a run; see :class:`bongsu.service.variants.Variant`."""

    title: str
    stage_id: str | None
    digest: Digest
    label: str
    size: int | None
    weights_bytes: int | None
    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    change: Mapping[str, float]
    shrink: float | None
    baseline: bool
    verified: bool | None
    version: ModelVersion | None
    page: str | None


@dataclass(frozen=True)
class RunDocument:
    """A run, its stages in the plan's order, the models that came of it, and why it did not succeed."""

    run: RunSummary
    stages: Sequence[StageDocument]
    variants: Sequence[VariantDocument]
    problems: Sequence[ProblemDocument]


@dataclass(frozen=True)
class PlanDocument:
    """A plan: what is hashed and estimated, and what is said about it."""

    hash: Digest
    gpu_hours: float | None
    gpu_hours_not_estimated: Sequence[StageId]
    grant_standing: StandingDocument | None
    warnings: Sequence[ProblemDocument]
    obstacles: Sequence[ProblemDocument]
    skipped: Sequence[SkippedStage]
    metadata: Metadata
    purpose: Purpose
    grant: str | None
    floor: Label
    parameters: Mapping[str, Scalar]
    inputs: Sequence[PlannedInput]
    stages: Sequence[PlannedStage]
    approvals: Sequence[ApprovalNeed]


def run_document(
    details: RunDetails,
    variants: Sequence[Variant],
    watched: RunProgress | None = None,
    problems: Sequence[Mapping[str, Any]] = (),
) -> RunDocument:
    """A run, its stages with their attempts, and the models that came of it.

    Args:
        details: the run.
        variants: its models.
        watched: how far the stages are that run; None if none does.
        problems: why it did not succeed, in the reader's language, as
            :meth:`bongsu.domain.problems.Problem.as_dict` gives them.
    """
    return RunDocument(
        run=details.run,
        stages=stage_documents(details.stages, watched),
        variants=[VariantDocument(**_facts(one) | {"label": str(one.label)}) for one in variants],
        problems=list(problems),
    )


def stage_documents(stages: Sequence[StageDetails], watched: RunProgress | None = None) -> list[StageDocument]:
    """Stages of a run with their attempts, as :func:`run_document` has them; nothing but the store is read for it."""
    live = {stage.id: stage for stage in watched.stages} if watched else {}
    return [_stage(stage, live.get(stage.planned.id)) for stage in stages]


def plan_document(prepared: PlanShown, told: Callable[[Problem], Mapping[str, Any]]) -> PlanDocument:
    """A plan: what is hashed and estimated, and what is said about it.

    Args:
        prepared: the plan.
        told: a problem in the reader's language.
    """
    made = prepared.plan
    hashed = {name: getattr(made, name) for name in RunPlan.model_fields}
    return PlanDocument(
        hash=made.hash,
        gpu_hours=made.gpu_hours,
        gpu_hours_not_estimated=[planned.id for planned in made.not_estimated],
        grant_standing=standing_document(prepared.grant) if prepared.grant else None,
        warnings=[told(problem) for problem in prepared.warnings],
        obstacles=[told(problem) for problem in prepared.obstacles],
        skipped=prepared.skipped,
        **hashed,
    )


def _stage(stage: StageDetails, view: StageProgress | None) -> StageDocument:
    planned, record = stage.planned, stage.record
    runs = view is not None and not record.state.is_final and view.step is not None
    return StageDocument(
        id=planned.id,
        title=planned.title,
        uses=planned.uses,
        point=planned.point,
        params=planned.params,
        label=str(high_water_mark((ref.label for ref in record.outputs.values()), planned.label)),
        state=record.state,
        reason=record.reason,
        started_at=record.started_at,
        finished_at=record.finished_at,
        worked_seconds=record.worked_seconds,
        cache_key=record.cache_key,
        outputs={name: _tree(ref) for name, ref in record.outputs.items()},
        metrics=record.metrics,
        notes=record.notes,
        progress=_progress(view) if view is not None and runs else None,
        attempts=stage.attempts,
    )


def _tree(ref: ArtifactRef) -> TreeDocument:
    return TreeDocument(ref.digest, ref.type, str(ref.label), ref.size)


def _progress(view: StageProgress) -> ProgressDocument:
    return ProgressDocument(view.step, view.total, view.phase, view.metrics, view.seconds_left)


def _facts(one: Variant) -> dict[str, Any]:
    return {field.name: getattr(one, field.name) for field in fields(one)}
