"""Matrix expansion: from the stages of a file to the points that run.

Each stage runs once per point. A point's coordinates come from the stage's own matrix and from the stages before
it: a plain reference at a port that takes one artifact fans out with its source (the coordinates are inherited),
a reference at a port that takes many gathers all points, ``x[axis=value]`` selects. Several sources are joined on
the axes they share and multiplied over the others, as relations are in a natural join; the stage's own matrix is
joined last. ``docs/pipeline.md`` tells the same to users.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bongsu.domain.codes import spec as codes
from bongsu.domain.fieldpath import FieldPath, Finding, raise_findings, unique
from bongsu.domain.ids import StageId
from bongsu.domain.pipeline import PipelineSpec, Scalar, Stage
from bongsu.domain.plan import Source
from bongsu.domain.problems import BongsuError, Code
from bongsu.domain.references import written
from bongsu.domain.scalars import format_scalar, scalar_key
from bongsu.domain.stages import Catalogue
from bongsu.domain.templates import fill_deep, filled_length, has_template
from bongsu.planner.fanout import FanOut, Row
from bongsu.planner.naming import check_names
from bongsu.planner.stage_graph import MAX_PLANNED, StageGraph

MAX_WRITTEN = 32 * 2**20
"""Characters of the parameters of all planned stages, each at each of its points."""


@dataclass(frozen=True)
class StagePoint:
    """One stage at one point of its matrix: what becomes a planned stage.

    Attributes:
        id: the stage's name; with a matrix (its own or inherited) ``NAME-N``, N counting from 1.
        stage: as in the file; ``index`` is its place in ``spec.stages``.
        point: coordinates in the order in which they are shown; empty without a matrix.
        params: ``with``, templates filled, and the stage's own axes that are parameters of it. By alias, not yet
            validated by the stage's model (``specfile.load`` has validated them).
        inputs: for every port that is given, its sources in the order of the file and of the points.
        when: what remains of the condition once parameters and coordinates are known, with stage ids in place of
            stage names: None if it always runs, ``"false"`` if it never does.
        after: points that must be over before ``when`` can be evaluated; they may not be among the inputs.
    """

    id: StageId
    index: int
    stage: Stage
    point: dict[str, Scalar]
    params: dict[str, Any]
    inputs: dict[str, tuple[Source, ...]]
    when: str | None = None
    after: tuple[StageId, ...] = ()


@dataclass(frozen=True)
class Expansion:
    """Points of each stage by its index; None where errors leave them unknown. Every finding once."""

    points: Mapping[int, tuple[StagePoint, ...] | None]
    order: tuple[int, ...]
    findings: tuple[Finding, ...]


def expand_matrix(spec: PipelineSpec, catalogue: Catalogue) -> list[StagePoint]:
    """Every point of every stage, each behind all it needs, otherwise in the order of the file. Pure.

    Args:
        spec: a pipeline; ``${params.x}`` still in it take the parameters' defaults (``specfile.load`` has put
            the values of ``--set`` there).
        catalogue: signatures by name; only the names in ``uses`` are asked for.

    Raises:
        BongsuError: everything that is wrong with references, matrix and conditions, with field paths and
            without places. Nothing is raised for a spec that ``specfile.load`` returned.
    """
    expansion = expand(spec, catalogue)
    raise_findings(list(expansion.findings))
    return [point for index in expansion.order for point in expansion.points[index] or ()]


def expand(
    spec: PipelineSpec,
    catalogue: Catalogue,
    broken: Callable[[FieldPath], bool] = lambda _path: False,
    ignored: frozenset[str] = frozenset(),
) -> Expansion:
    """As :func:`expand_matrix`, but gather findings.

    Args:
        broken: fields of which an error is known; nothing more is said about them and what follows from them.
        ignored: names of stages that stand in the file and cannot be used; with ``""``, one has no name at all.
    """
    return _Expander(spec, StageGraph(spec, catalogue, broken, ignored)).run()


class _Expander:
    def __init__(self, spec: PipelineSpec, graph: StageGraph) -> None:
        self._graph = graph
        self._params = {parameter.name: parameter.default for parameter in spec.spec.parameters}
        self._points: dict[int, tuple[StagePoint, ...] | None] = dict.fromkeys(range(len(spec.spec.stages)))
        self._fan_out = FanOut(graph, self._params, self._points)
        self._findings: list[Finding] = []
        self._written = 0

    def run(self) -> Expansion:
        total = 0
        if self._graph.is_too_large:  # nobody needs to join what is too much already
            self._find(codes.PLAN_TOO_LARGE, ("spec", "stages"), limit=MAX_PLANNED)
            self._graph.order.clear()
        axes: dict[int, list[str]] = {}
        for index in self._graph.order:
            rows = self._fan_out.rows(index)
            if rows:
                axes[index] = list(rows[0].point)
            total += len(rows or ())
            if total > MAX_PLANNED:
                self._find(codes.PLAN_TOO_LARGE, ("spec", "stages"), limit=MAX_PLANNED)
                break
            if rows is not None and not self._fits(index, rows):
                break
            if rows is not None:
                self._points[index] = self._stage_points(index, rows)
        for index in set(range(len(self._graph.stages))) - set(self._graph.order):
            self._fan_out.check(index)
        for index in range(len(self._graph.stages)):
            self._findings += check_names(self._graph, index, axes.get(index), self._params)
        self._check_ids()
        findings = self._graph.findings + self._fan_out.findings + self._findings
        return Expansion(self._points, tuple(self._graph.order), unique(findings))

    def _fits(self, index: int, rows: list[Row]) -> bool:
        """Whether the parameters of this stage, written out at each point, are not too much with those before it."""
        given = self._graph.stages[index].with_
        if not has_template(given):
            self._written += len(rows) * filled_length(given, {})
        for row in rows if has_template(given) else ():
            self._written += filled_length(given, {"matrix": row.point, "params": self._params})
            if self._written > MAX_WRITTEN:
                break
        if self._written > MAX_WRITTEN:
            path = (*self._graph.path(index), "with")
            self._find(codes.PARAMETERS_TOO_LARGE, path, limit=f"{MAX_WRITTEN:,}")
        return self._written <= MAX_WRITTEN

    def _stage_points(self, index: int, rows: list[Row]) -> tuple[StagePoint, ...]:
        stage, own = self._graph.stages[index], self._graph.own[index].axes
        setting = [axis for axis in own if axis in self._graph.parameter_names(index)]
        templated = has_template(stage.with_)
        places = [place for place, _text in self._graph.references(index)]
        points = []
        for number, row in enumerate(rows, 1):
            values = {"matrix": row.point, "params": self._params}
            params = self._filled(stage.with_, values) if templated else dict(stage.with_)
            params |= {axis: row.point[axis] for axis in setting}
            inputs: dict[str, tuple[Source, ...]] = {}
            for place in places:
                inputs[place.port_name] = inputs.get(place.port_name, ()) + row.sources[place.path]
            name = StageId(f"{stage.name}-{number}" if row.point else stage.name)
            when, after = self._when(index, row.point)
            points.append(StagePoint(name, index, stage, row.point, params, inputs, when, after))
        return tuple(points)

    @staticmethod
    def _filled(params: dict[str, Any], values: Mapping[str, Mapping[str, Scalar]]) -> dict[str, Any]:
        filled = {}
        for key, value in params.items():
            # A name that does not exist is left out here; check_names has a finding about it.
            with suppress(KeyError):
                filled[key] = fill_deep(value, values)
        return filled

    def _when(self, index: int, point: Mapping[str, Scalar]) -> tuple[str | None, tuple[StageId, ...]]:
        """What remains of the condition at this point, and the points it waits for."""
        condition = self._graph.conditions[index]
        if condition is None:
            return None, ()
        if index in self._graph.doubted:  # which is told, and what it comes to is no news
            return None, ()
        path = (*self._graph.path(index), "when")
        try:
            rest = condition.partial(self._params, point)
        except BongsuError as error:
            self._findings += [Finding(problem.code, path, problem.args) for problem in error.problems]
            return None, ()
        if isinstance(rest, bool):
            return (None if rest else "false"), ()
        ids: dict[str, StageId] = {}
        for name in rest.targets:
            there = self._graph.by_name.get(name.owner)
            known = None if there is None else self._points[there]
            points = known and self._fan_out.select(name.owner, name.point, known, path, name.offset)
            if points is None:
                continue
            selected = {axis for axis, _value in name.point}
            asking = {axis: value for axis, value in point.items() if axis not in selected}
            partners = [other for other in points if agree(other.point, asking)]
            if len(partners) == 1:
                ids[name.target] = partners[0].id
            else:
                example = self._one_of(name.owner, partners or points)
                args: dict[str, Any] = {"stage": name.target, "count": len(partners), "example": example}
                self._find(codes.CONDITION_NOT_ONE_POINT, path, name.offset, **args)
        return str(rest.renamed(ids)), tuple(ids.values())

    @staticmethod
    def _one_of(stage: str, points: Sequence[StagePoint]) -> str:
        """How the condition would name the first of these points."""
        return written(stage, tuple((axis, format_scalar(value)) for axis, value in points[0].point.items()))

    def _check_ids(self) -> None:
        names = self._graph.by_name
        for index, points in self._points.items():
            for point in points or ():
                other = names.get(point.id)
                if other is not None and other != index and point.point:
                    path = (*self._graph.path(other), "name")
                    args: dict[str, Any] = {"stage": point.id, "other": point.stage.name, "id": point.id}
                    self._find(codes.ID_COLLISION, path, **args)

    def _find(self, code: Code, path: FieldPath, offset: int | None = None, **args: Any) -> None:
        self._findings.append(Finding(code, path, args, offset))


def agree(one: Mapping[str, Scalar], other: Mapping[str, Scalar]) -> bool:
    """True if two points have the same value on every axis they share."""
    return all(scalar_key(value) == scalar_key(other[axis]) for axis, value in one.items() if axis in other)
