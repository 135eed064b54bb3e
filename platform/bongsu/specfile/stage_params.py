"""``with`` of every stage against the stage's own model, at every point of its matrix."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from bongsu.domain.axes import MAX_POINTS, UNKNOWN, own_points
from bongsu.domain.codes import specfile as codes
from bongsu.domain.fieldpath import FieldPath, Finding, unique
from bongsu.domain.pipeline import Stage
from bongsu.domain.stages import StageSignature
from bongsu.domain.templates import has_template
from bongsu.planner.matrix import StagePoint
from bongsu.planner.objections import at_axis
from bongsu.specfile.draft import Draft
from bongsu.specfile.expected import keys_of
from bongsu.specfile.shape import validate

MAX_UNPLANNED = 20 * MAX_POINTS
"""So many points, at most, are tried of matrices whose points are not planned because of other errors."""


def check_params(
    draft: Draft,
    signatures: Mapping[str, StageSignature],
    points: Mapping[int, Sequence[StagePoint] | None],
) -> list[Finding]:
    """Findings about parameters; one about a value that a matrix sets stands at that value."""
    findings: list[Finding] = []
    unplanned = 0
    for index, stage in enumerate(draft.spec.spec.stages):
        signature = signatures.get(stage.uses)
        path: FieldPath = ("spec", "stages", index)
        if signature is None or draft.is_broken((*path, "with")):
            continue
        planned = points.get(index)
        strange = _strange_keys(draft, stage, signature, path)
        if planned is None:
            found = _check_unplanned(stage, signature, path, strange, with_points=unplanned < MAX_UNPLANNED)
            unplanned += MAX_POINTS if stage.matrix else 0
        else:
            found = _check_planned(stage, signature, path, strange, planned)
        findings += [finding for finding in found if not _is_told(draft, finding)]
    return list(unique(findings))


def _is_told(draft: Draft, finding: Finding) -> bool:
    if finding.code is codes.UNKNOWN_KEY:
        return draft.is_broken(finding.path[:-1])
    return draft.has_broken(finding.path)


def _strange_keys(draft: Draft, stage: Stage, signature: StageSignature, path: FieldPath) -> dict[str, None]:
    """Keys of ``with`` that the stage does not know. They are told whatever becomes of their values."""
    lost = {str(other[-1]) for other in draft.broken if other[:-1] == (*path, "with")}
    known = keys_of(signature.params)
    return dict.fromkeys(key for key in sorted(stage.with_.keys() | lost) if key not in known and "${" not in key)


def _check_planned(
    stage: Stage,
    signature: StageSignature,
    path: FieldPath,
    strange: Mapping[str, None],
    points: Sequence[StagePoint],
) -> list[Finding]:
    findings: list[Finding] = []
    seen: set[str] = set()
    for point in points:
        text = json.dumps(point.params, sort_keys=True, default=str)
        if text not in seen:
            seen.add(text)
            _params, found = validate(signature.params, {**strange, **point.params}, (*path, "with"))
            # A value whose template leads nowhere is left out, and has a finding already.
            lost = {(*path, "with", key) for key in stage.with_ if key not in point.params and key not in strange}
            findings += [at_axis(f, stage, path, point.point) for f in found if f.path not in lost]
    return findings


def _check_unplanned(
    stage: Stage, signature: StageSignature, path: FieldPath, strange: Mapping[str, None], *, with_points: bool
) -> list[Finding]:
    """The points are unknown because of other errors: check what the stage's own matrix and ``with`` tell."""
    fixed = {key: value for key, value in stage.with_.items() if not has_template(value)}
    unknown = set(stage.with_) - set(fixed) - set(strange)
    own = own_points(stage.matrix, (*path, "matrix"), stage.name) if with_points else UNKNOWN
    if not own.points:
        unknown |= set(stage.matrix.axes if stage.matrix else ())
    given = len(path) + 1
    findings: list[Finding] = []
    known = keys_of(signature.params)
    seen: set[str] = set()
    for point in own.points or ({},):
        setting = {axis: value for axis, value in point.items() if axis in known}
        text = json.dumps(setting, sort_keys=True, default=str)
        if text in seen:
            continue
        seen.add(text)
        _params, found = validate(signature.params, {**strange, **fixed, **setting}, (*path, "with"))
        findings += [
            at_axis(finding, stage, path, point)
            for finding in found
            if len(finding.path) > given and finding.path[given] not in unknown
        ]
    return findings
