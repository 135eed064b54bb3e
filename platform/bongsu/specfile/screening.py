"""What policy refuses of the texts in a file, told with everything else that is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bongsu.domain.codes import specfile as codes
from bongsu.domain.fieldpath import Finding, unique
from bongsu.domain.pipeline import PipelineSpec
from bongsu.domain.templates import has_template
from bongsu.planner.matrix import StagePoint
from bongsu.policy import purpose
from bongsu.policy.written import in_declaration, in_params
from bongsu.specfile.draft import Draft


def with_declared(data: Mapping[str, Any], findings: Iterable[Finding]) -> list[Finding]:
    """``findings``, and what is refused of the declaration as it is written, be the rest of the file as it may.

    A class of use that the list has not is no mistake in writing if it names what is outside of every class.
    """
    declared = purpose.findings(in_declaration(data))
    refused = {finding.path for finding in declared}
    rest = [one for one in findings if not (one.code is codes.NOT_ALLOWED and one.path in refused)]
    told = {(one.code, one.path) for one in rest}
    return [*rest, *(one for one in declared if (one.code, one.path) not in told)]


def check_texts(
    draft: Draft, spec: PipelineSpec, points: Mapping[int, Sequence[StagePoint] | None]
) -> list[Finding]:
    """Findings about texts as they are written, and as templates put them together at the points of a matrix.

    Args:
        spec: the draft's, with the values that parameters have.
        points: of each stage by its number in the file; None where they are unknown.
    """
    filled = [
        written
        for index, stage in enumerate(spec.spec.stages)
        if has_template(stage.with_)
        for point in points.get(index) or ()
        for written in in_params(point.params, ("spec", "stages", index, "with"))
    ]
    found = [*purpose.check_spec(spec), *purpose.findings(filled)]
    return list(unique(finding for finding in found if not draft.is_broken(finding.path)))
