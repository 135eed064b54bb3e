"""Checking a pipeline file on its own: no store, nothing heavy to import."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.grades import N2SF, GradeScheme
from bongsu.domain.problems import BongsuError, Problem
from bongsu.planner.keeping import keep_points
from bongsu.planner.matrix import expand_matrix
from bongsu.planner.port_types import check_port_types
from bongsu.service.catalogue import InstalledStages
from bongsu.service.inputs.addresses import look_here, not_masked_here
from bongsu.service.placing import placed, placed_problem
from bongsu.specfile import FaultyPipeline, LoadedPipeline, is_of_grade, load


@dataclass(frozen=True)
class Checked:
    """What is said of a file that is right: name of the pipeline, and how many stages it writes down."""

    name: str
    stages: int
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Validated:
    """A file that is right.

    Attributes:
        warnings: inputs that should lie on this machine and do not (the run may be elsewhere), and documents on this
            machine: which of them were made here, only the store knows.
    """

    pipeline: LoadedPipeline
    warnings: tuple[Problem, ...] = ()

    @property
    def checked(self) -> Checked:
        spec = self.pipeline.spec
        return Checked(spec.metadata.name, len(spec.spec.stages), self.warnings)


def validate_by(grades: Callable[[], GradeScheme], path: Path, overrides: Mapping[str, str]) -> Validated:
    """:func:`validate_file` where it takes time to find out which grades there are: they are asked for when a file
    states one that a site has only if it said so."""
    try:
        return validate_file(path, overrides)
    except FaultyPipeline as faulty:
        if not any(is_of_grade(problem) for problem in faulty.problems) or (known := grades()) == N2SF:
            raise
    return validate_file(path, overrides, known)


def validate_file(path: Path, overrides: Mapping[str, str] | None = None, grades: GradeScheme = N2SF) -> Validated:
    """Check a file. Inputs need not be there; what those hold that lie on this machine has to fit where it is given.

    Raises:
        BongsuError: everything that is wrong with the file, or else with what its inputs are.
    """
    catalogue = InstalledStages()
    loaded = load(path, catalogue, overrides, grades)
    here = look_here(loaded.spec, path.absolute().parent)
    if here.types:
        points = keep_points(expand_matrix(loaded.spec, catalogue), catalogue).kept
        problems = [*check_port_types(points, loaded.spec.spec.inputs, here.types, catalogue)]
        if problems:
            raise placed(loaded, BongsuError(problems))
    documents = [name for name, type_ in here.types.items() if type_ is ArtifactType.DOCUMENTS]
    unmasked = [not_masked_here(name, loaded.spec.spec.inputs[name]) for name in documents]
    return Validated(loaded, tuple(placed_problem(loaded, problem) for problem in (*here.missing, *unmasked)))
