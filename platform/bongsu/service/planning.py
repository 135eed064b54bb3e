"""From a pipeline file to the plan of what a submit would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bongsu.domain.plan import RunPlan
from bongsu.domain.problems import BongsuError, Location, Problem
from bongsu.planner.planning import plan
from bongsu.service.caching import cache_facts
from bongsu.service.catalogue import InstalledStages
from bongsu.service.inputs.resolving import resolve_inputs
from bongsu.service.platform import Platform
from bongsu.service.requirements import requirements_of, with_absolute_requirements
from bongsu.specfile import LoadedPipeline, load


@dataclass(frozen=True)
class Prepared:
    """A file that is right, and the plan made of it."""

    pipeline: LoadedPipeline
    plan: RunPlan


def prepare(platform: Platform, path: Path, overrides: Mapping[str, str] | None = None) -> Prepared:
    """Load a file, find its inputs and plan it.

    Raises:
        BongsuError: what is wrong with the file, its inputs or the plan, each with its place in the file.
    """
    catalogue = InstalledStages()
    loaded = load(path, catalogue, overrides)

    def locate(name: str) -> Location:
        return loaded.places.locate(("spec", "inputs", name))

    directory = path.absolute().parent
    inputs = resolve_inputs(platform, loaded.spec, directory, locate)
    facts = cache_facts(platform, loaded.spec.metadata.name)
    try:
        requirements = requirements_of(loaded.spec, directory)
        made = plan(loaded.spec, inputs, catalogue, facts, requirements=requirements)
    except BongsuError as error:
        raise BongsuError(_placed(loaded, problem) for problem in error.problems) from None
    return Prepared(loaded, with_absolute_requirements(made, directory))


def _placed(loaded: LoadedPipeline, problem: Problem) -> Problem:
    """The problem with its place: the planner knows stages by name, the file by number."""
    if problem.location or not problem.field_path:
        return problem
    head, dot, rest = problem.field_path.partition(".")
    numbers = {stage.name: number for number, stage in enumerate(loaded.spec.spec.stages)}
    path = f"spec.stages[{numbers[head]}]{dot}{rest}" if head in numbers else problem.field_path
    try:
        return replace(problem, location=loaded.places.locate(path), field_path=path)
    except ValueError:
        return replace(problem, location=Location(loaded.file, 1, 1))
