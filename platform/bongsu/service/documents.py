"""A run as a JSON document: one shape, whichever command or interface gives it. docs/json.md lists its keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.documents import plain
from bongsu.domain.labels import high_water_mark
from bongsu.domain.problems import Problem
from bongsu.service.grants.documents import standing_document
from bongsu.service.plane import PlanShown
from bongsu.service.showing import RunDetails, StageDetails
from bongsu.service.summaries import AttemptSummary
from bongsu.service.variants import Variant
from bongsu.service.watching import RunProgress, StageProgress


def run_document(
    details: RunDetails,
    variants: Sequence[Variant],
    watched: RunProgress | None = None,
    problems: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """A run, its stages with their attempts, and the models that came of it.

    Args:
        details: the run.
        variants: its models.
        watched: how far the stages are that run; None if none does.
        problems: why it did not succeed, in the reader's language, as
            :meth:`bongsu.domain.problems.Problem.as_dict` gives them.
    """
    return {
        "run": plain(details.run),
        "stages": stage_documents(details.stages, watched),
        "variants": [plain(variant) | {"label": str(variant.label)} for variant in variants],
        "problems": list(problems),
    }


def stage_documents(stages: Sequence[StageDetails], watched: RunProgress | None = None) -> list[dict[str, Any]]:
    """Stages of a run with their attempts, as :func:`run_document` has them; nothing but the store is read for it."""
    live = {stage.id: stage for stage in watched.stages} if watched else {}
    return [_stage(stage, live.get(stage.planned.id)) for stage in stages]


def plan_document(prepared: PlanShown, told: Callable[[Problem], Mapping[str, Any]]) -> dict[str, Any]:
    """A plan: what is hashed and estimated, and what is said about it.

    Args:
        prepared: the plan.
        told: a problem in the reader's language.
    """
    made = prepared.plan
    return {
        "hash": made.hash,
        "gpuHours": made.gpu_hours,
        "gpuHoursNotEstimated": [planned.id for planned in made.not_estimated],
        "grantStanding": standing_document(prepared.grant) if prepared.grant else None,
        "warnings": [told(problem) for problem in prepared.warnings],
        "obstacles": [told(problem) for problem in prepared.obstacles],
        "skipped": [plain(skipped) for skipped in prepared.skipped],
        **plain(made),
    }


def _stage(stage: StageDetails, view: StageProgress | None) -> dict[str, Any]:
    planned, facts = stage.planned, plain(stage.record)
    runs = view is not None and not stage.record.state.is_final and view.step is not None
    return {
        "id": planned.id,
        "title": planned.title,
        "uses": planned.uses,
        "point": plain(planned.point),
        "params": plain(planned.params),
        "label": str(high_water_mark((ref.label for ref in stage.record.outputs.values()), planned.label)),
        "state": facts["state"],
        "reason": facts["reason"],
        "startedAt": facts["startedAt"],
        "finishedAt": facts["finishedAt"],
        "workedSeconds": facts["workedSeconds"],
        "cacheKey": facts["cacheKey"],
        "outputs": {name: _tree(ref) for name, ref in stage.record.outputs.items()},
        "metrics": facts["metrics"],
        "notes": facts["notes"],
        "progress": _progress(view) if view is not None and runs else None,
        "attempts": [_attempt(attempt) for attempt in stage.attempts],
    }


def _tree(ref: ArtifactRef) -> dict[str, Any]:
    return {"digest": ref.digest, "type": ref.type.value, "label": str(ref.label), "size": ref.size}


def _progress(view: StageProgress) -> dict[str, Any]:
    return {
        "step": view.step,
        "total": view.total,
        "phase": str(view.phase),
        "metrics": plain(view.metrics),
        "secondsLeft": view.seconds_left,
    }


def _attempt(attempt: AttemptSummary) -> dict[str, Any]:
    facts = plain(attempt)
    del facts["id"]
    return {"number": attempt.id.number, **facts}
