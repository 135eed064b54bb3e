"""What policy refuses of the texts in a file, told with everything else that is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bongsu.domain.fieldpath import Finding, unique
from bongsu.domain.pipeline import PipelineSpec
from bongsu.domain.templates import has_template
from bongsu.planner.matrix import StagePoint
from bongsu.policy import purpose
from bongsu.policy.written import in_params
from bongsu.specfile.draft import Draft


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
