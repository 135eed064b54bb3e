"""The grades of the site, as all of its processes have them; and what carries others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Column, ColumnElement, Connection, func, inspect, select, true

from bongsu.domain.grades import N2SF, GradeScheme, SchemeName
from bongsu.domain.labels import Grade, Label
from bongsu.store.locks import hold
from bongsu.store.schema import dataset_versions, model_versions, runs
from bongsu.store.schema_grades import site_grades
from bongsu.store.schema_people import people
from bongsu.store.upsert import put

_SITE = "site"
_CARRYING: Mapping[str, tuple[Column[str], ColumnElement[bool]]] = {
    "account": (people.c.clearance, people.c.disabled_at.is_(None)),
    "model": (model_versions.c.label, true()),
    "dataset": (dataset_versions.c.label, true()),
    "run": (runs.c.label, runs.c.finished_at.is_(None)),
}
"""What goes on with its grade. Runs that are over, what is in between in them, and entries of logs are what was: they
keep their labels under every scheme."""


@dataclass(frozen=True)
class Carrying:
    """``count`` accounts (``account``), versions (``model``, ``dataset``) or runs (``run``) have this grade."""

    kind: str
    grade: Grade
    count: int


def settled_grades(connection: Connection) -> GradeScheme | None:
    """What was said of the site; None if nothing was."""
    row = connection.execute(select(site_grades).where(site_grades.c.name == _SITE)).one_or_none()
    return None if row is None else GradeScheme(SchemeName(row.scheme), Grade(row.restricted))


def grades_of_site(connection: Connection) -> GradeScheme:
    return settled_grades(connection) or N2SF


def grades_while_stating(connection: Connection) -> GradeScheme:
    """As :func:`grades_of_site`; nobody changes them until the transaction, which writes, ends."""
    connection.execute(select(site_grades.c.name).with_for_update(read=True)).all()
    return grades_of_site(connection)


def grades_if_known(connection: Connection) -> GradeScheme:
    """As :func:`grades_of_site`, of a database with whatever schema."""
    return grades_of_site(connection) if inspect(connection).has_table(site_grades.name) else N2SF


def hold_grades(connection: Connection) -> None:
    """Nobody else says or changes them until the transaction ends; waits for who states a label."""
    hold(connection, "grades")
    connection.execute(select(site_grades.c.name).with_for_update()).all()


def set_grades(connection: Connection, grades: GradeScheme, now: float) -> None:
    row = {"name": _SITE, "scheme": grades.name.value, "restricted": grades.restricted.value, "set_at": now}
    put(connection, site_grades, row)


def carrying_others(connection: Connection, grades: GradeScheme) -> Iterator[Carrying]:
    """What of the whole site has a grade that is none of these, by kind and in the order of grades."""
    for kind, (column, which) in _CARRYING.items():
        found: dict[Grade, int] = {}
        for label, count in connection.execute(select(column, func.count()).where(which).group_by(column)):
            grade = Label.parse(label).grade
            found[grade] = found.get(grade, 0) + count
        for grade in sorted(found, key=lambda one: one.rank):
            if grade not in grades.grades:
                yield Carrying(kind, grade, found[grade])
