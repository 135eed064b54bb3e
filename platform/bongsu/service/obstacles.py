"""What keeps a plan from running on this platform: told when it is planned, and refused before it is submitted."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from bongsu.domain.capacity import Capacity
from bongsu.domain.codes import plan as codes
from bongsu.domain.plan import RunPlan
from bongsu.domain.problems import Problem
from bongsu.planner.room import check_room
from bongsu.service.platform import Platform


def obstacles_of(platform: Platform, plan: RunPlan) -> Iterator[Problem]:
    """Problems of stages that the platform's executor can never run. It is not started to be asked; one that runs
    elsewhere is."""
    if all(planned.cache.hit for planned in plan.stages):
        return
    has = platform.executor().capacity()
    yield from check_room(plan, has)
    yield from _interpreters(plan, has)


def _interpreters(plan: RunPlan, has: Capacity) -> Iterator[Problem]:
    """Interpreters that are not there, where workers see the same files as this process."""
    seen = set()
    for planned in plan.stages:
        path = planned.environment.interpreter if planned.environment else None
        if not path or not has.is_here or planned.cache.hit or planned.stage in seen:
            continue
        seen.add(planned.stage)
        if shutil.which(path) is None:
            field = f"{planned.stage}.environment.interpreter"
            yield codes.INTERPRETER_MISSING.at(None, field, stage=planned.stage, path=path)
