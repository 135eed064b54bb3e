"""Requirements files of stages: their content for the planner, their absolute paths for workers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bongsu.domain.codes import plan as codes
from bongsu.domain.ids import Digest, digest_of
from bongsu.domain.pipeline import Stage
from bongsu.domain.plan import RunPlan
from bongsu.domain.problems import Problem
from bongsu.machine.requirements import with_included


@dataclass(frozen=True)
class Requirements:
    """Of a pipeline's stages.

    Attributes:
        digests: of each requirements file, by the path as written.
        problems: ``plan.requirements-unreadable``, one for each stage whose file cannot be read.
    """

    digests: Mapping[str, Digest]
    problems: tuple[Problem, ...]


def requirements_of(stages: Iterable[Stage], directory: Path) -> Requirements:
    """What stands in the requirements files, whose paths are relative to ``directory``."""
    found: dict[str, Digest] = {}
    problems: list[Problem] = []
    for stage in stages:
        path = stage.environment.requirements if stage.environment else None
        if not path:
            continue
        try:
            found[path] = digest_of(with_included(directory / path))
        except OSError as error:
            field = f"{stage.name}.environment.requirements"
            detail = f"{error.filename}: {error.strerror}" if error.strerror else str(error)
            problems.append(
                codes.REQUIREMENTS_UNREADABLE.at(None, field, stage=stage.name, path=path, detail=detail)
            )
    return Requirements(found, tuple(problems))


def with_absolute_requirements(made: RunPlan, directory: Path) -> RunPlan:
    """Requirements files are named relative to the pipeline; workers start elsewhere."""
    stages = []
    for planned in made.stages:
        own = planned.environment
        if own is not None and own.requirements:
            absolute = own.model_copy(update={"requirements": str((directory / own.requirements).absolute())})
            stages.append(planned.model_copy(update={"environment": absolute}))
        else:
            stages.append(planned)
    return made.model_copy(update={"stages": tuple(stages)})
