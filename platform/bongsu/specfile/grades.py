"""Grades in a pipeline file: those of the site, as they are kept, however they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bongsu.domain.codes import specfile as codes
from bongsu.domain.fieldpath import FieldPath, Finding
from bongsu.domain.grades import GradeScheme, OutsideGrades
from bongsu.domain.links import listed
from bongsu.domain.problems import Problem
from bongsu.domain.scalars import format_scalar
from bongsu.domain.suggest import closest

_GRADE = re.compile(r"spec\.(?:classification|inputs\..+\.label)(?:\.grade)?")


def write_canonical(data: dict[str, Any], grades: GradeScheme, broken: set[FieldPath]) -> list[Finding]:
    """Write every label in a file as it is kept.

    Args:
        data: the file as plain values; its labels are changed in it.
        grades: of the site.
        broken: paths that are known to be wrong already; those of grades that are none of the site are added.

    Returns:
        A finding for each of these.
    """
    findings: list[Finding] = []
    for around, path in _labels(data):
        if path in broken:
            continue
        key = path[-1]
        try:
            around[key] = grades.canonical(around[key])
        except OutsideGrades as outside:
            where = (*path, "grade") if outside.inside else path
            if where not in broken:
                findings.append(_finding(outside.written, where, grades))
                broken.add(where)
    return findings


def is_of_grade(problem: Problem) -> bool:
    """True for what :func:`write_canonical` finds."""
    return problem.code is codes.NOT_ALLOWED and _GRADE.fullmatch(problem.field_path) is not None


def _labels(data: dict[str, Any]) -> Iterator[tuple[dict[Any, Any], FieldPath]]:
    """Each label, with the mapping in which it stands."""
    body = data.get("spec")
    if not isinstance(body, dict):
        return
    if "classification" in body:
        yield body, ("spec", "classification")
    inputs = body.get("inputs")
    for name, given in inputs.items() if isinstance(inputs, dict) else ():
        if isinstance(given, dict) and "label" in given:
            yield given, ("spec", "inputs", name, "label")


def _finding(written: str, path: FieldPath, grades: GradeScheme) -> Finding:
    allowed = [grade.value for grade in grades.grades]
    args = {"value": format_scalar(written), "known": listed(allowed), "suggestion": closest(written, allowed)}
    return Finding(codes.NOT_ALLOWED, path, args)
