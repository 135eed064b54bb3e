"""The points of one stage: sources joined on the axes they share, multiplied over the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol, TypeVar

from bongsu.domain.axes import MAX_POINTS, point_key, show_point
from bongsu.domain.codes import spec as codes
from bongsu.domain.fieldpath import FieldPath, Finding
from bongsu.domain.ids import StageId
from bongsu.domain.links import Place, link, listed
from bongsu.domain.phrases import either
from bongsu.domain.pipeline import Scalar, Stage
from bongsu.domain.plan import Source
from bongsu.domain.problems import Code
from bongsu.domain.references import Selection
from bongsu.domain.scalars import NumberTooLarge, format_scalar, parse_scalar, scalar_key
from bongsu.domain.suggest import closest
from bongsu.domain.templates import has_template, parse_template
from bongsu.planner.stage_graph import MAX_REFERENCE, StageGraph


class Located(Protocol):
    """A planned point as far as its followers care."""

    @property
    def id(self) -> StageId: ...

    @property
    def point(self) -> Mapping[str, Scalar]: ...


L = TypeVar("L", bound=Located)


@dataclass(frozen=True)
class Row:
    """A point in the making, and the sources of each reference by its place in the file."""

    point: dict[str, Scalar]
    sources: dict[FieldPath, tuple[Source, ...]]


Feed = list[tuple[Mapping[str, Scalar], tuple[Source, ...]]]
"""What a reference brings: sources, and the coordinates at which they are to be taken."""


class _Failed(Exception):
    """The points of a stage cannot be known; the findings say why."""


class FanOut:
    """Finds the points at which a stage runs, once those of the stages before it are known.

    ``points`` is read while it is being filled: by index of the stage, None where errors leave them unknown.
    """

    def __init__(
        self,
        graph: StageGraph,
        params: Mapping[str, Scalar],
        points: Mapping[int, Sequence[Located] | None],
    ) -> None:
        self._graph = graph
        self._params = params
        self._points = points
        self.findings: list[Finding] = []

    def check(self, index: int) -> None:
        """Findings about the references of a stage whose points cannot be known, e.g. one on a cycle."""
        for place, text in self._graph.references(index):
            if place.in_list and not place.port.many:
                self._find(codes.SINGLE_PORT, place.path[:-1], port=place.port_name)
            else:
                self._check_reference(text, place, index)

    def _check_reference(self, text: str, place: Place, index: int) -> None:
        for filled in self._graph.fillings(index, text) if has_template(text) else {text}:
            _reference, findings = link(filled, place, self._graph.directory)
            self.findings += findings

    def rows(self, index: int) -> list[Row] | None:
        """The points of a stage, or None if they cannot be known."""
        stage = self._graph.stages[index]
        fixed, by_point = [], []
        whole = self._graph.is_whole(index) and bool(self._graph.own[index].points)
        for place, text in self._graph.references(index):
            if place.in_list and not place.port.many:
                self._find(codes.SINGLE_PORT, place.path[:-1], port=place.port_name)
                whole = False
            elif has_template(text):
                by_point.append((place, text))
            else:
                feed = self._feed(text, place)
                whole = whole and feed is not None
                fixed.append((place, feed or []))
        if not whole:
            for place, text in by_point:
                self._check_reference(text, place, index)
            return None
        try:
            rows = [Row({}, {})]
            for place, feed in fixed:
                rows = self._join(rows, feed, place.path, stage)
            rows = self._join_own(rows, index)
            for place, text in by_point:
                rows = self._join_by_point(rows, text, place, stage)
                self._check_even(rows, index)
        except _Failed:
            return None
        return rows

    def _feed(self, text: str, place: Place) -> Feed | None:
        reference, findings = link(text, place, self._graph.directory)
        self.findings += findings
        if reference is None:
            # An input that does not exist would have brought no axes.
            unknown = any(finding.code is codes.UNKNOWN_INPUT for finding in findings)
            return [({}, (Source(stage_id=None, name=text),))] if unknown else None
        if reference.is_input:
            return [({}, (Source(stage_id=None, name=reference.output),))]
        points = self._points[self._graph.by_name[reference.source]]
        if points is None:
            return None
        chosen_points = self.select(reference.source, reference.point, points, place.path)
        if chosen_points is None:
            return None
        points = chosen_points
        sources = [Source(stage_id=point.id, name=reference.output) for point in points]
        if place.port.many:
            return [({}, tuple(sources))]
        chosen = {axis for axis, _value in reference.point}
        coordinates = [{a: v for a, v in point.point.items() if a not in chosen} for point in points]
        return [(point, (source,)) for point, source in zip(coordinates, sources, strict=True)]

    def select(
        self, stage: str, coordinates: Selection, points: Sequence[L], path: FieldPath, offset: int | None = None
    ) -> Sequence[L] | None:
        """Points at the coordinates in brackets; the value is compared as a scalar, and else as a text.

        None, and a finding at ``path``, if there are none.
        """
        for axis, text in coordinates:
            known = list(points[0].point)
            if axis not in known:
                args: dict[str, Any] = {"stage": stage, "name": axis, "known": listed(known)}
                self._find(codes.SELECT_UNKNOWN_AXIS, path, offset, **args, suggestion=closest(axis, known))
                return None
            left = tuple(p for p in points if _same_as_text(p.point[axis], text))
            left = left or tuple(p for p in points if p.point[axis] == text)
            if not left:
                values = listed(dict.fromkeys(format_scalar(p.point[axis]) for p in points))
                args = {"stage": stage, "name": axis, "value": text, "known": values}
                self._find(codes.SELECT_UNKNOWN_POINT, path, offset, **args)
                return None
            points = left
        return points

    def _join(self, rows: list[Row], feed: Feed, path: FieldPath, stage: Stage) -> list[Row]:
        """Natural join: rows and sources that agree on every axis they share."""
        shared = [axis for axis in rows[0].point if axis in feed[0][0]]
        partners: dict[tuple[Any, ...], Feed] = {}
        for point, sources in feed:
            partners.setdefault(tuple(scalar_key(point[axis]) for axis in shared), []).append((point, sources))
        joined: list[Row] = []
        for row in rows:
            for point, sources in partners.get(tuple(scalar_key(row.point[axis]) for axis in shared), ()):
                added = {axis: value for axis, value in point.items() if axis not in row.point}
                joined.append(Row({**row.point, **added}, {**row.sources, path: sources}))
            if len(joined) > MAX_POINTS:
                self._fail(codes.MATRIX_TOO_LARGE, path, stage=stage.name, limit=MAX_POINTS)
        if not joined:
            self._fail(codes.MATRIX_NO_PARTNER, path, stage=stage.name, axes=listed(shared))
        return joined

    def _join_own(self, rows: list[Row], index: int) -> list[Row]:
        own, stage = self._graph.own[index], self._graph.stages[index]
        if not own.axes:
            return rows
        path = (*self._graph.path(index), "matrix")
        rows = self._join(rows, [(point, ()) for point in own.points], path, stage)
        present = {point_key({axis: row.point[axis] for axis in own.axes}) for row in rows}
        for point in own.points:
            if point_key(point) not in present:
                self._fail(codes.MATRIX_LOST_POINT, path, stage=stage.name, point=show_point(point))
        return rows

    def _join_by_point(self, rows: list[Row], text: str, place: Place, stage: Stage) -> list[Row]:
        """A reference with ``${matrix.x}`` in it: resolved anew for every point."""
        template = parse_template(text)
        for hole in template.holes:
            if hole.scope == "matrix" and hole.name not in rows[0].point:
                known = list(rows[0].point)
                args: dict[str, Any] = {"stage": stage.name, "name": hole.name, "known": listed(known)}
                suggestion = closest(hole.name, known)
                self._fail(codes.UNKNOWN_MATRIX_NAME, place.path, hole.offset, **args, suggestion=suggestion)
            elif hole.scope != "matrix" and not (hole.scope == "params" and hole.name in self._params):
                self._fail(codes.BAD_TEMPLATE, place.path, hole.offset, text=hole.text)
        joined: list[Row] = []
        feeds: dict[str, Feed | None] = {}
        for row in rows:
            values = {"matrix": row.point, "params": self._params}
            if len(template.parts) > MAX_REFERENCE or template.length(values) > MAX_REFERENCE:
                self._fail(codes.BAD_REFERENCE, place.path, reference=text)
            filled = format_scalar(template.fill(values))
            if filled not in feeds:
                feeds[filled] = self._feed(filled, place)
            feed = feeds[filled]
            if feed is not None:
                joined += self._join([row], feed, place.path, stage)
            if len(joined) > MAX_POINTS:
                self._fail(codes.MATRIX_TOO_LARGE, place.path, stage=stage.name, limit=MAX_POINTS)
        if None in feeds.values():
            raise _Failed
        return joined

    def _check_even(self, rows: list[Row], index: int) -> None:
        kinds = list(dict.fromkeys(tuple(sorted(row.point)) for row in rows))
        if len(kinds) > 1:
            axes = either([listed(axes) for axes in kinds])
            stage = self._graph.stages[index].name
            self._fail(codes.MATRIX_UNEVEN, (*self._graph.path(index), "inputs"), stage=stage, axes=axes)

    def _find(self, code: Code, path: FieldPath, offset: int | None = None, **args: Any) -> None:
        self.findings.append(Finding(code, path, args, offset))

    def _fail(self, code: Code, path: FieldPath, offset: int | None = None, **args: Any) -> NoReturn:
        self._find(code, path, offset, **args)
        raise _Failed


def _same_as_text(value: Scalar, text: str) -> bool:
    try:
        read = parse_scalar(text)
    except NumberTooLarge:
        return False
    return read is not None and scalar_key(read) == scalar_key(value)
