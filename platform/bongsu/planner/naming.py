"""Names in templates and conditions: do they exist, and is every axis of a matrix good for something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bongsu.domain.codes import spec as codes
from bongsu.domain.fieldpath import FieldPath, Finding
from bongsu.domain.links import KnownNames, listed
from bongsu.domain.pipeline import Scalar
from bongsu.domain.suggest import closest
from bongsu.domain.templates import MAX_FAULTS, parse_template, texts
from bongsu.planner.stage_graph import StageGraph


@dataclass(frozen=True)
class _Use:
    """A name as it is used somewhere in a stage. The scope is empty where it is not written like a name."""

    scope: str
    name: str
    path: FieldPath
    offset: int
    text: str


def check_names(
    graph: StageGraph, index: int, axes: Sequence[str] | None, params: Mapping[str, Scalar]
) -> list[Finding]:
    """Findings about names in one stage.

    Args:
        axes: all axes of the stage, its own and those it inherits; None where errors leave them unknown.
        params: the pipeline's parameters.
    """
    uses = list(_uses(graph, index))
    known = {"matrix": KnownNames(axes or ()), "params": KnownNames(params)}
    told: Counter[FieldPath] = Counter()
    findings: list[Finding] = []
    for use in uses:
        if told[use.path] < MAX_FAULTS:
            found = list(_check_use(use, graph.stages[index].name, axes, params, known))
            told[use.path] += len(found)
            findings += found
    used = {use.name for use in uses if use.scope == "matrix"}
    return findings + _check_own_axes(graph, index, used)


def _uses(graph: StageGraph, index: int) -> Iterator[_Use]:
    stage, path = graph.stages[index], graph.path(index)
    for where, text in texts({"with": stage.with_, "inputs": stage.inputs}, path):
        for hole in parse_template(text).holes:
            yield _Use(hole.scope if hole.is_valid else "", hole.name, where, hole.offset, hole.text)
    condition = graph.conditions[index]
    for name in condition.names if condition else ():
        if name.scope in ("params", "matrix"):
            yield _Use(name.scope, name.key, (*path, "when"), name.offset, str(name))


def _check_use(
    use: _Use,
    stage: str,
    axes: Sequence[str] | None,
    params: Mapping[str, Scalar],
    known: Mapping[str, KnownNames],
) -> Iterator[Finding]:
    # An axis in a reference is looked at where the reference is resolved: it may only use axes known there.
    in_inputs = use.path[3] == "inputs"
    if use.scope == "matrix" and axes is not None and use.name not in axes and not in_inputs:
        args = {"stage": stage, "name": use.name, **known["matrix"].told(use.name)}
        yield Finding(codes.UNKNOWN_MATRIX_NAME, use.path, args, use.offset)
    elif use.scope == "params" and use.name not in params:
        args = {"name": use.name, **known["params"].told(use.name)}
        yield Finding(codes.UNKNOWN_PARAMETER, use.path, args, use.offset)
    elif not use.scope:
        yield Finding(codes.BAD_TEMPLATE, use.path, {"text": use.text}, use.offset)


def _check_own_axes(graph: StageGraph, index: int, used: set[str]) -> list[Finding]:
    """The stage's own axes: not set twice, and neither a parameter nor a name that nothing uses."""
    stage, known, path = graph.stages[index], graph.parameter_names(index), graph.path(index)
    findings = []
    for axis in graph.own[index].axes:
        if axis in known and axis in stage.with_:
            where: FieldPath = (*path, "with", axis)
            findings.append(Finding(codes.PARAMETER_SET_TWICE, where, {"name": axis}, at_key=True))
        elif axis not in known and axis not in used and graph.signatures[index] is not None:
            where = (*path, "matrix", axis) if stage.matrix and axis in stage.matrix.axes else (*path, "matrix")
            free = [name for name in known if name not in stage.with_ and name not in graph.own[index].axes]
            args = {"name": axis, "uses": stage.uses, "known": listed(known), "suggestion": closest(axis, free)}
            findings.append(Finding(codes.MATRIX_UNUSED_AXIS, where, args, at_key=True))
    return findings
