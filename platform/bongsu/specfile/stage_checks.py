"""What stages refuse of how they are used: parameters that are right one by one and not together, and figures that
nobody measures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from bongsu.domain.codes import spec as codes
from bongsu.domain.conditions import Condition, parse
from bongsu.domain.fieldpath import FieldPath, Finding, unique
from bongsu.domain.ids import StageId
from bongsu.domain.links import listed
from bongsu.domain.stages import StageSignature
from bongsu.domain.suggest import closest
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
    names = {point.id: point.stage.name for point in points}
    for point in keep_points(points, signatures).kept:
        path: FieldPath = ("spec", "stages", point.index)
        findings += _unmeasured(point, names, measured)
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


def _unmeasured(
    point: StagePoint, names: Mapping[StageId, str], measured: Mapping[StageId | None, frozenset[str] | None]
) -> Iterator[Finding]:
    """Of a condition that asks for figures which the stages that it names are known not to measure.

    Args:
        names: of the stages, by the ids of their points.
    """
    written, rest = (parse(text) if text else None for text in (point.stage.when, point.when))
    if not isinstance(written, Condition) or not isinstance(rest, Condition):
        return
    for name in rest.names:
        known = measured.get(StageId(name.owner)) if name.scope == "metrics" else None
        # Behind a slash stands the model, where several were measured.
        figure = name.key.partition("/")[0]
        if known is None or figure in known:
            continue
        stage = names[StageId(name.owner)]
        offset = next(one.offset for one in written.names if (one.owner, one.key) == (stage, name.key))
        args = {
            "stage": stage,
            "metric": figure,
            "known": listed(sorted(known)),
            "suggestion": closest(figure, known),
        }
        yield Finding(codes.CONDITION_METRIC, ("spec", "stages", point.index, "when"), args, offset)


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
