"""The points of one stage's own matrix: axes multiplied, minus ``exclude``, plus ``include``."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, Literal

from bongsu.domain.codes import spec as codes
from bongsu.domain.fieldpath import FieldPath, Finding
from bongsu.domain.pipeline import Matrix, Scalar
from bongsu.domain.scalars import format_scalar, kind_of, scalar_key
from bongsu.domain.suggest import closest

MAX_POINTS = 1000
"""Points at which one stage may run, whether the axes are its own or come from stages before it."""

_AXIS_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9]{0,39}")

Point = Mapping[str, Scalar]
"""Coordinates: axis to value, in the order in which they are shown."""


@dataclass(frozen=True)
class OwnPoints:
    """``points`` in the order of the file; ``axes`` names them. Both are empty where findings leave them unknown."""

    points: tuple[Point, ...]
    axes: tuple[str, ...]
    findings: tuple[Finding, ...] = ()


NO_MATRIX = OwnPoints(({},), ())
UNKNOWN = OwnPoints((), ())


def show_point(point: Point) -> str:
    """``keepFraction=0.5, seed=1``."""
    return ", ".join(f"{axis}={format_scalar(value)}" for axis, value in point.items())


def point_key(point: Point) -> frozenset[tuple[str, tuple[str, Scalar]]]:
    return frozenset((axis, scalar_key(value)) for axis, value in point.items())


def own_points(matrix: Matrix | None, path: FieldPath, stage: str) -> OwnPoints:
    """The points of ``matrix``; one point without coordinates if there is none.

    Without axes, the keys of the first point under ``include`` are the axes.
    """
    if matrix is None:
        return NO_MATRIX
    axes: dict[str, Any] = matrix.axes
    findings = [f for name, values in axes.items() for f in _check_axis(name, values, (*path, name))]
    names = tuple(axes) or tuple(matrix.include[0] if matrix.include else ())
    if not names:
        findings.append(Finding(codes.MATRIX_NO_AXES, path))
    findings += _check_keys("include", matrix.include, names, path)
    # An entry that names no axis takes nothing out; what else is wrong with the stage is told beside it.
    misnamed = _check_keys("exclude", matrix.exclude, names, path)
    if findings:
        return OwnPoints((), (), (*findings, *misnamed))
    if (prod(map(len, axes.values())) if axes else 0) + len(matrix.include) > MAX_POINTS:
        return OwnPoints((), (), (Finding(codes.MATRIX_TOO_LARGE, path, {"stage": stage, "limit": MAX_POINTS}),))
    points = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())] if axes else []
    points, findings = _exclude(points, matrix.exclude, {finding.path[-2] for finding in misnamed}, path)
    points += [{axis: extra[axis] for axis in names} for extra in matrix.include]
    findings += _check_duplicates(points, len(points) - len(matrix.include), path)
    if not points and not findings:
        findings.append(Finding(codes.MATRIX_EMPTY, path))
    # What takes nothing out leaves no doubt about what is left.
    is_known = all(finding.code is codes.MATRIX_EXCLUDES_NOTHING for finding in findings)
    findings += misnamed
    return OwnPoints(tuple(points), names, tuple(findings)) if is_known else OwnPoints((), (), tuple(findings))


def _check_axis(name: str, values: Any, path: FieldPath) -> list[Finding]:
    if not _AXIS_NAME.fullmatch(name):
        return [Finding(codes.MATRIX_AXIS_NAME, path, {"name": name}, at_key=True)]
    if not isinstance(values, list | tuple):
        return [Finding(codes.MATRIX_AXIS, path, {"name": name, "found": kind_of(values)})]
    if not values:
        return [Finding(codes.MATRIX_EMPTY_AXIS, path, {"name": name})]
    findings: list[Finding] = []
    seen = set()
    for index, value in enumerate(values):
        if not isinstance(value, bool | int | float | str):
            args = {"name": name, "found": kind_of(value)}
            findings.append(Finding(codes.MATRIX_VALUE, (*path, index), args))
        elif scalar_key(value) in seen:
            args = {"point": show_point({name: value})}
            findings.append(Finding(codes.MATRIX_DUPLICATE, (*path, index), args))
        else:
            seen.add(scalar_key(value))
    return findings


def _check_keys(
    word: Literal["include", "exclude"], entries: Sequence[Point], names: tuple[str, ...], path: FieldPath
) -> list[Finding]:
    findings = []
    for index, entry in enumerate(entries):
        here = (*path, word, index)
        for key in entry:
            if key not in names:
                args = {"name": key, "known": ", ".join(names), "suggestion": closest(key, names)}
                findings.append(Finding(codes.MATRIX_UNKNOWN_KEY, (*here, key), args, at_key=True))
            elif not _AXIS_NAME.fullmatch(key):
                findings.append(Finding(codes.MATRIX_AXIS_NAME, (*here, key), {"name": key}, at_key=True))
        missing = [name for name in names if name not in entry]
        if missing and word == "include":
            args = {"missing": ", ".join(missing)}
            findings.append(Finding(codes.MATRIX_INCOMPLETE_INCLUDE, here, args))
    return findings


def _exclude(
    points: list[dict[str, Scalar]], patterns: Sequence[Point], passed_over: Collection[object], path: FieldPath
) -> tuple[list[dict[str, Scalar]], list[Finding]]:
    findings = []
    excluded: set[int] = set()
    by_axes: dict[tuple[str, ...], dict[object, list[int]]] = {}
    for index, pattern in enumerate(patterns):
        if index in passed_over:
            continue
        axes = tuple(sorted(pattern))
        if axes not in by_axes:
            by_axes[axes] = _places(points, axes)
        fitting = by_axes[axes].get(point_key(pattern), [])
        if not fitting:
            args = {"point": show_point(pattern)}
            findings.append(Finding(codes.MATRIX_EXCLUDES_NOTHING, (*path, "exclude", index), args))
        excluded.update(fitting)
    return [point for number, point in enumerate(points) if number not in excluded], findings


def _places(points: list[dict[str, Scalar]], axes: tuple[str, ...]) -> dict[object, list[int]]:
    """Numbers of the points by what they have on some axes, so that many patterns are not tried at each of them."""
    found: dict[object, list[int]] = {}
    for number, point in enumerate(points):
        if all(axis in point for axis in axes):
            found.setdefault(point_key({axis: point[axis] for axis in axes}), []).append(number)
    return found


def _check_duplicates(points: list[dict[str, Scalar]], included_from: int, path: FieldPath) -> list[Finding]:
    seen = set()
    findings = []
    for index, point in enumerate(points):
        key = point_key(point)
        if key in seen:
            here = (*path, "include", index - included_from)
            findings.append(Finding(codes.MATRIX_DUPLICATE, here, {"point": show_point(point)}))
        seen.add(key)
    return findings
