"""Whether an executor could ever carry out a plan: what the stages ask for against what it has."""

from __future__ import annotations

from collections.abc import Iterator

from bongsu.domain.capacity import Capacity, shortfalls
from bongsu.domain.codes import plan as codes
from bongsu.domain.pipeline import Environment
from bongsu.domain.plan import RunPlan
from bongsu.domain.problems import Problem
from bongsu.domain.resources import Resources


def check_room(plan: RunPlan, has: Capacity) -> Iterator[Problem]:
    """Problems of stages that could not start on this executor even with nothing else to do.

    Points of a matrix ask for the same, so each stage is told once; one that comes from the cache needs nothing.
    """
    seen = set()
    for planned in plan.stages:
        if planned.stage not in seen and planned.cache.runs:
            seen.add(planned.stage)
            yield from check_stage_room(planned.stage, planned.resources, planned.environment, has)


def check_stage_room(
    stage: str, resources: Resources, environment: Environment | None, has: Capacity
) -> Iterator[Problem]:
    """As :func:`check_room`, of one stage by its name in the file."""
    for short in shortfalls(resources, has):
        field = f"{stage}.resources.{short.field}"
        yield codes.BEYOND_EXECUTOR.at(None, field, stage=stage, reason=short.reason, cure=short.cure)
    if environment and environment.image and not has.runs_images:
        field = f"{stage}.environment.image"
        yield codes.IMAGE_NOT_RUN.at(None, field, stage=stage, image=environment.image)
