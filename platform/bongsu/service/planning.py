"""From a pipeline file to the plan of what a submit would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bongsu.domain.plan import RunPlan, SkippedStage
from bongsu.domain.problems import BongsuError, Location, Problem
from bongsu.planner.planning import draft
from bongsu.service.caching import cache_facts
from bongsu.service.catalogue import InstalledStages
from bongsu.service.inputs.resolving import resolve_inputs
from bongsu.service.obstacles import ask_executor
from bongsu.service.placing import placed, placed_problem
from bongsu.service.platform import Platform
from bongsu.service.requirements import requirements_of, with_absolute_requirements
from bongsu.specfile import LoadedPipeline, load


@dataclass(frozen=True)
class Prepared:
    """A file that is right, and the plan made of it.

    Attributes:
        warnings: what will run, and probably not as it is meant, each with its place in the file.
        obstacles: why it cannot run on this platform.
        skipped: what will not run whatever comes of the rest.
    """

    pipeline: LoadedPipeline
    plan: RunPlan
    warnings: tuple[Problem, ...] = ()
    obstacles: tuple[Problem, ...] = ()
    skipped: tuple[SkippedStage, ...] = ()

    def to_run(self) -> RunPlan:
        """The plan. Raises BongsuError with every obstacle if it cannot run here."""
        if self.obstacles:
            raise BongsuError(self.obstacles)
        return self.plan


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
        made = draft(loaded.spec, inputs, catalogue, facts, requirements=requirements)
    except BongsuError as error:
        raise placed(loaded, error) from None
    found = with_absolute_requirements(made.plan, directory)
    verdict = ask_executor(platform, found)
    warnings, obstacles = (
        tuple(placed_problem(loaded, problem) for problem in problems)
        for problems in ((*made.warnings, *verdict.warnings), verdict.obstacles)
    )
    return Prepared(loaded, found, warnings, obstacles, made.skipped)
