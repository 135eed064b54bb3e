"""Whether an executor could ever carry out a plan: what the stages ask for against what it has."""

from __future__ import annotations

from collections.abc import Iterator

from bongsu.domain.capacity import Capacity, shortfalls
from bongsu.domain.codes import plan as codes
from bongsu.domain.plan import PlannedStage, RunPlan
from bongsu.domain.problems import Problem


def check_room(plan: RunPlan, has: Capacity) -> Iterator[Problem]:
    """Problems of stages that could not start on this executor even with nothing else to do.

    Points of a matrix ask for the same, so each stage is told once; one that comes from the cache needs nothing.
    """
    seen = set()
    for planned in plan.stages:
        if planned.stage not in seen and not planned.cache.hit:
            seen.add(planned.stage)
            yield from _stage(planned, has)


def _stage(planned: PlannedStage, has: Capacity) -> Iterator[Problem]:
    for short in shortfalls(planned.resources, has):
        field = f"{planned.stage}.resources.{short.field}"
        yield codes.BEYOND_EXECUTOR.at(None, field, stage=planned.stage, reason=short.reason, cure=short.cure)
    image = planned.environment.image if planned.environment else None
    if image and not has.runs_images:
        field = f"{planned.stage}.environment.image"
        yield codes.IMAGE_NOT_RUN.at(None, field, stage=planned.stage, image=image)
