"""What stages refuse of how they are used: parameters that are right one by one and not together."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bongsu.domain.codes import spec as codes
from bongsu.domain.fieldpath import FieldPath, Finding, unique
from bongsu.domain.ids import StageId
from bongsu.domain.stages import StageSignature
from bongsu.planner.keeping import keep_points
from bongsu.planner.matrix import Expansion, StagePoint
from bongsu.planner.objections import objections
from bongsu.specfile.draft import Draft
from bongsu.specfile.shape import validate


def check_stages(draft: Draft, signatures: Mapping[str, StageSignature], expansion: Expansion) -> list[Finding]:
    """Findings of the checks that stages bring, at every point that may run and whose parameters are right."""
    findings: list[Finding] = []
    points = [point for index in expansion.order for point in expansion.points[index] or ()]
    seen: set[str] = set()
    measured: dict[StageId | None, frozenset[str] | None] = {}
    for point in keep_points(points, signatures).kept:
        path: FieldPath = ("spec", "stages", point.index)
        signature = signatures[point.stage.uses]
        params, _told_elsewhere = validate(signature.params, point.params)
        if params is None:
            continue
        measured[point.id] = signature.measures(params)
        counts = {port: len(sources) for port, sources in point.inputs.items()}
        figures = _figures(point, measured)
        told = {port: sorted(names) for port, names in figures.items()}
        text = json.dumps([point.index, point.params, counts, told], sort_keys=True, default=str)
        if text in seen or draft.has_broken(path):
            continue
        seen.add(text)
        found = objections(signature, params, point, path, figures=figures)
        findings += [finding for finding in found if finding.code is codes.STAGE_REFUSES]
    return list(unique(findings))


def _figures(
    point: StagePoint, measured: Mapping[StageId | None, frozenset[str] | None]
) -> dict[str, frozenset[str]]:
    """Names of all metrics at each port whose sources are all known to measure certain ones."""
    found = {}
    for port, sources in point.inputs.items():
        names = [measured.get(source.stage_id) for source in sources]
        known = [one for one in names if one is not None]
        if known and len(known) == len(names):
            found[port] = frozenset().union(*known)
    return found
