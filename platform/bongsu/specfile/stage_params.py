"""``with`` of every stage against the stage's own model, at every point of its matrix."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from bongsu.domain.axes import own_points
from bongsu.domain.fieldpath import FieldPath, Finding, unique
from bongsu.domain.pipeline import Stage
from bongsu.domain.stages import StageSignature
from bongsu.domain.templates import has_template
from bongsu.planner.matrix import StagePoint
from bongsu.planner.objections import at_axis
from bongsu.specfile.draft import Draft
from bongsu.specfile.expected import keys_of
from bongsu.specfile.shape import validate


def check_params(
    draft: Draft,
    signatures: Mapping[str, StageSignature],
    points: Mapping[int, Sequence[StagePoint] | None],
) -> list[Finding]:
    """Findings about parameters; one about a value that a matrix sets stands at that value."""
    findings: list[Finding] = []
    for index, stage in enumerate(draft.spec.spec.stages):
        signature = signatures.get(stage.uses)
        path: FieldPath = ("spec", "stages", index)
        if signature is None or draft.is_broken((*path, "with")):
            continue
        planned = points.get(index)
        if planned is None:
            found = _check_unplanned(stage, signature, path)
        else:
            found = _check_planned(stage, signature, path, planned)
        findings += [finding for finding in found if not draft.has_broken(finding.path)]
    return list(unique(findings))


def _check_planned(
    stage: Stage, signature: StageSignature, path: FieldPath, points: Sequence[StagePoint]
) -> list[Finding]:
    findings: list[Finding] = []
    seen: set[str] = set()
    for point in points:
        text = json.dumps(point.params, sort_keys=True, default=str)
        if text not in seen:
            seen.add(text)
            _params, found = validate(signature.params, point.params, (*path, "with"))
            # A value whose template leads nowhere is left out, and has a finding already.
            lost = {(*path, "with", key) for key in stage.with_ if key not in point.params}
            findings += [at_axis(f, stage, path, point.point) for f in found if f.path not in lost]
    return findings


def _check_unplanned(stage: Stage, signature: StageSignature, path: FieldPath) -> list[Finding]:
    """The points are unknown because of other errors: check what the stage's own matrix and ``with`` tell."""
    fixed = {key: value for key, value in stage.with_.items() if not has_template(value)}
    unknown = set(stage.with_) - set(fixed)
    own = own_points(stage.matrix, (*path, "matrix"), stage.name)
    if own.findings:
        unknown |= set(stage.matrix.axes if stage.matrix else ())
    given = len(path) + 1
    findings: list[Finding] = []
    for point in own.points or ({},):
        setting = {axis: value for axis, value in point.items() if axis in keys_of(signature.params)}
        _params, found = validate(signature.params, fixed | setting, (*path, "with"))
        findings += [
            at_axis(finding, stage, path, point)
            for finding in found
            if len(finding.path) > given and finding.path[given] not in unknown
        ]
    return findings
