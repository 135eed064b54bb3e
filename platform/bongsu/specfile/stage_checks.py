"""What stages refuse of how they are used: parameters that are right one by one and not together."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bongsu.domain.codes import spec as codes
from bongsu.domain.fieldpath import FieldPath, Finding, unique
from bongsu.domain.stages import StageSignature
from bongsu.planner.keeping import keep_points
from bongsu.planner.matrix import Expansion
from bongsu.planner.objections import objections
from bongsu.specfile.draft import Draft
from bongsu.specfile.shape import validate


def check_stages(draft: Draft, signatures: Mapping[str, StageSignature], expansion: Expansion) -> list[Finding]:
    """Findings of the checks that stages bring, at every point that may run and whose parameters are right."""
    findings: list[Finding] = []
    points = [point for index in expansion.order for point in expansion.points[index] or ()]
    seen: set[str] = set()
    for point in keep_points(points, signatures).kept:
        path: FieldPath = ("spec", "stages", point.index)
        counts = {port: len(sources) for port, sources in point.inputs.items()}
        text = json.dumps([point.index, point.params, counts], sort_keys=True, default=str)
        if text in seen or draft.has_broken(path):
            continue
        seen.add(text)
        signature = signatures[point.stage.uses]
        params, _told_elsewhere = validate(signature.params, point.params)
        if params is not None:
            found = objections(signature, params, point, path)
            findings += [finding for finding in found if finding.code is codes.STAGE_REFUSES]
    return list(unique(findings))
