"""Whether an executor could ever carry out a plan: what the stages ask for against what it has."""

from __future__ import annotations

from collections.abc import Iterator

from bongsu.domain.capacity import Capacity, shortfalls
from bongsu.domain.codes import plan as codes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase
from bongsu.domain.pipeline import Environment
from bongsu.domain.plan import RunPlan
from bongsu.domain.problems import Problem
from bongsu.domain.resources import Resources

OF_OWN_HOME = phrase(N_("set BONGSU_RAY_ADDRESS to a Ray cluster that has as much"))
OF_A_SERVER = phrase(N_("ask an operator of the server for a Ray cluster that has as much"))


def check_room(plan: RunPlan, has: Capacity, larger: Words) -> Iterator[Problem]:
    """Problems of stages that could not start on this executor even with nothing else to do; ``larger`` says how who
    asks gets at a larger one.

    Points of a matrix ask for the same, so each stage is told once; one that comes from the cache needs nothing.
    """
    seen = set()
    for planned in plan.stages:
        if planned.stage not in seen and planned.cache.runs:
            seen.add(planned.stage)
            yield from check_stage_room(planned.stage, planned.resources, planned.environment, has, larger)


def check_stage_room(
    stage: str, resources: Resources, environment: Environment | None, has: Capacity, larger: Words
) -> Iterator[Problem]:
    """As :func:`check_room`, of one stage by its name in the file."""
    for short in shortfalls(resources, has):
        field = f"{stage}.resources.{short.field}"
        yield codes.BEYOND_EXECUTOR.at(
            None, field, stage=stage, reason=short.reason, cure=short.cure, larger=larger
        )
    if environment and environment.image and not has.runs_images:
        field = f"{stage}.environment.image"
        yield codes.IMAGE_NOT_RUN.at(None, field, stage=stage, image=environment.image)
