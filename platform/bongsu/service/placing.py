"""Places in the file for what the planner finds: it knows stages by name, the file by number."""

from __future__ import annotations

from dataclasses import replace

from bongsu.domain.problems import BongsuError, Location, Problem
from bongsu.specfile import LoadedPipeline


def placed(loaded: LoadedPipeline, error: BongsuError) -> BongsuError:
    """The same problems, each with its place."""
    return BongsuError(placed_problem(loaded, problem) for problem in error.problems)


def placed_problem(loaded: LoadedPipeline, problem: Problem) -> Problem:
    """A problem whose field begins with the name of a stage, or with ``spec``, with its place in the file."""
    if problem.location or not problem.field_path:
        return problem
    head, dot, rest = problem.field_path.partition(".")
    numbers = {stage.name: number for number, stage in enumerate(loaded.spec.spec.stages)}
    path = f"spec.stages[{numbers[head]}]{dot}{rest}" if head in numbers else problem.field_path
    try:
        return replace(problem, location=loaded.places.locate(path), field_path=path)
    except ValueError:
        return replace(problem, location=Location(loaded.file, 1, 1))
