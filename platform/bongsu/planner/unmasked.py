"""Texts that a stage learns from as they were given: nothing has masked personal data in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.codes import run as codes
from bongsu.domain.pipeline import Input
from bongsu.domain.problems import Problem
from bongsu.domain.stages import Catalogue
from bongsu.planner.matrix import StagePoint


def unmasked_texts(
    points: Iterable[StagePoint],
    inputs: Mapping[str, Input],
    types: Mapping[str, ArtifactType],
    catalogue: Catalogue,
) -> Iterator[Problem]:
    """A warning for each input of plain files that goes straight to a port which learns from it, at the first stage
    that takes it so. Documents have a warning of their own where nobody here is known to have masked them.

    Arguments are those of :func:`bongsu.planner.port_types.check_port_types`.
    """
    told = set()
    for point in points:
        signature = catalogue[point.stage.uses]
        for name, sources in point.inputs.items():
            for source in sources if signature.inputs[name].learned else ():
                if (
                    source.stage_id is None
                    and types.get(source.name) is ArtifactType.FILES
                    and source.name not in told
                ):
                    told.add(source.name)
                    args = {"name": source.name, "uri": inputs[source.name].uri, "stage": point.stage.name}
                    yield codes.NOT_MASKED.at(None, f"spec.inputs.{source.name}", **args)
