"""What stages have to say against how they are used, as findings at the fields that say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bongsu.domain.codes import plan as plan_codes
from bongsu.domain.codes import spec as codes
from bongsu.domain.fieldpath import FieldPath, Finding
from bongsu.domain.pipeline import Scalar, Stage
from bongsu.domain.scalars import scalar_key
from bongsu.domain.stages import Params, StageFacts, StageSignature
from bongsu.planner.matrix import StagePoint


def objections(
    signature: StageSignature,
    params: Params,
    point: StagePoint,
    path: FieldPath,
    configs: Mapping[str, Mapping[str, Any]] | None = None,
    figures: Mapping[str, frozenset[str]] | None = None,
) -> Iterator[Finding]:
    """Findings of the stage's own check, below ``path``; those of ``plan.stage-falls-short`` do not keep it from
    running.

    Args:
        params: of this point, validated.
        configs: of the models at its ports, as far as they are known.
        figures: metrics in the evaluations at its ports, as far as they are known.
    """
    counts = {port: len(sources) for port, sources in point.inputs.items()}
    facts = StageFacts(counts, configs or {}, figures or {})
    for found in signature.check(params, facts):
        code = codes.STAGE_REFUSES if found.is_error else plan_codes.STAGE_FALLS_SHORT
        args = {"uses": signature.name, "detail": found.detail, "hint": found.advice}
        yield at_axis(Finding(code, (*path, *found.field), args), point.stage, path, point.point)


def at_axis(finding: Finding, stage: Stage, path: FieldPath, point: Mapping[str, Scalar]) -> Finding:
    """A parameter that an axis sets is not in ``with``: point to the value in the matrix."""
    given = len(path) + 1
    is_parameter = len(finding.path) > given and finding.path[given - 1] == "with"
    axis = str(finding.path[given]) if is_parameter else ""
    if stage.matrix is None or axis not in point or axis in stage.with_:
        return finding
    matrix = (*path, "matrix")
    for position, value in enumerate(stage.matrix.axes.get(axis, ())):
        if scalar_key(value) == scalar_key(point[axis]):
            return Finding(finding.code, (*matrix, axis, position), finding.args)
    for position, entry in enumerate(stage.matrix.include):
        if axis in entry and scalar_key(entry[axis]) == scalar_key(point[axis]):
            return Finding(finding.code, (*matrix, "include", position, axis), finding.args)
    return finding
