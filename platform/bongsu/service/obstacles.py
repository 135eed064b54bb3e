"""What keeps a plan from running on this platform: told when it is planned, and refused before it is submitted."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.capacity import Capacity
from bongsu.domain.codes import plan as codes
from bongsu.domain.phrases import Words
from bongsu.domain.pipeline import Environment, Stage
from bongsu.domain.plan import RunPlan
from bongsu.domain.problems import BongsuError, Problem
from bongsu.domain.tenants import HOME
from bongsu.planner.advice import advise_room
from bongsu.planner.room import OF_A_SERVER, OF_OWN_HOME, check_room, check_stage_room
from bongsu.reconciler.gate import objections
from bongsu.service.platform import Platform
from bongsu.store.models import is_name_of_another


@dataclass(frozen=True)
class Verdict:
    """What an executor is to a plan: why it can never run it, and what it will probably be short of."""

    obstacles: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


def ask_executor(platform: Platform, plan: RunPlan) -> Verdict:
    """Hold a plan against what the platform's executor has. It is not started to be asked; a Ray that runs elsewhere
    is connected to."""
    if not any(planned.cache.runs for planned in plan.stages):
        return Verdict()
    try:
        has = platform.executor().capacity()
    except BongsuError as error:
        return Verdict(tuple(error.problems))
    return Verdict(
        (*check_room(plan, has, _larger(platform)), *_interpreters(plan, has)), tuple(advise_room(plan, has))
    )


def beyond_executor(platform: Platform, stages: Iterable[Stage]) -> Iterator[Problem]:
    """Those of the obstacles that can be known before there is a plan: of stages that run whatever comes of others."""
    certain = [stage for stage in stages if stage.when is None]
    if not certain:
        return
    try:
        has = platform.executor().capacity()
    except BongsuError as error:
        yield from error.problems
        return
    for stage in certain:
        yield from check_stage_room(stage.name, stage.resources, stage.environment, has, _larger(platform))
        yield from _interpreter(stage.name, stage.environment, has)


def _larger(platform: Platform) -> Words:
    """The environment of a server is its operators' to set."""
    is_own = HOME in (platform.scope.tenants or ())
    return OF_OWN_HOME if is_own else OF_A_SERVER


def names_of_others(platform: Platform, plan: RunPlan) -> Iterator[Problem]:
    """Models that the plan is to register under a name that another ministry has."""
    ministry = plan.metadata.ministry
    registering = [one for one in plan.stages if ArtifactType.REGISTRATION in one.outputs.values()]
    for stage, name in dict.fromkeys((one.stage, str(one.params.get("name", ""))) for one in registering):
        if not name:
            continue
        with platform.read() as connection:
            is_taken = is_name_of_another(connection, name, ministry)
        if is_taken:
            yield codes.NAME_OF_ANOTHER_MINISTRY.at(None, f"{stage}.with.name", name=name, ministry=ministry)


def against_rules(platform: Platform, plan: RunPlan) -> list[Problem]:
    """What rules over uses, data and models have against running the plan now, where ministries share the store."""
    with platform.read() as connection:
        return objections(connection, plan, platform.clock())


def _interpreters(plan: RunPlan, has: Capacity) -> Iterator[Problem]:
    seen = set()
    for planned in plan.stages:
        if planned.cache.runs and planned.stage not in seen:
            seen.add(planned.stage)
            yield from _interpreter(planned.stage, planned.environment, has)


def _interpreter(stage: str, environment: Environment | None, has: Capacity) -> Iterator[Problem]:
    """An interpreter that is not there, where workers see the same files as this process."""
    path = environment.interpreter if environment else None
    if path and has.is_here and shutil.which(path) is None:
        field = f"{stage}.environment.interpreter"
        yield codes.INTERPRETER_MISSING.at(None, field, stage=stage, path=path)
