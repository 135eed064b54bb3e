"""Checking a pipeline file on its own: no store, nothing heavy to import."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bongsu.domain.problems import BongsuError
from bongsu.planner.keeping import keep_points
from bongsu.planner.matrix import expand_matrix
from bongsu.planner.port_types import check_port_types
from bongsu.service.catalogue import InstalledStages
from bongsu.service.inputs.addresses import types_here
from bongsu.service.placing import placed
from bongsu.specfile import LoadedPipeline, load


def validate_file(path: Path, overrides: Mapping[str, str] | None = None) -> LoadedPipeline:
    """Check a file. Inputs need not be there; what those hold that lie on this machine has to fit where it is given.

    Raises:
        BongsuError: everything that is wrong with the file, or else with what its inputs are.
    """
    catalogue = InstalledStages()
    loaded = load(path, catalogue, overrides)
    types = types_here(loaded.spec, path.absolute().parent)
    if types:
        points = keep_points(expand_matrix(loaded.spec, catalogue), catalogue).kept
        problems = [*check_port_types(points, loaded.spec.spec.inputs, types, catalogue)]
        if problems:
            raise placed(loaded, BongsuError(problems))
    return loaded
