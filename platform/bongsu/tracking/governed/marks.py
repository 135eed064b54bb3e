"""The labels of MLflow's rows, in two tables of our own in MLflow's database.

A scope is a pair of a workspace and a label; there are dozens. A mark says that a thing exists in a scope. A viewer
sees the things that have a mark in one of the scopes that their clearance dominates; what has no mark exists for
nobody. A run has one mark. What is known through others (an experiment through its runs, a model's name through its
versions) has one for each scope in which it is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from bongsu.domain.labels import Label

metadata = MetaData()

scopes = Table(
    "bongsu_scopes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("workspace", String(63), nullable=False),
    Column("label", String(1000), nullable=False),
    UniqueConstraint("workspace", "label", name="uq_bongsu_scopes"),
)
# Sealed: the control plane recorded it, and nobody else changes it.
marks = Table(
    "bongsu_marks",
    metadata,
    Column("kind", String(20), primary_key=True),
    Column("thing", String(300), primary_key=True),
    Column("scope", Integer, ForeignKey("bongsu_scopes.id"), primary_key=True),
    Column("sealed", Boolean, nullable=False),
    sqlite_with_rowid=False,
)


class Kind(StrEnum):
    """What can have a mark; ``thing`` is its id, of a version ``NAME/3``.

    Notes are what people write about a thing that is known in several scopes: they have one mark, which rises.
    """

    EXPERIMENT = "experiment"
    EXPERIMENT_NOTES = "experiment-notes"
    RUN = "run"
    DATASET = "dataset"
    LOGGED_MODEL = "logged-model"
    MODEL = "model"
    MODEL_NOTES = "model-notes"
    VERSION = "version"
    TRACE = "trace"


@dataclass(frozen=True)
class Mark:
    """One scope in which a thing exists."""

    scope: int
    workspace: str
    label: Label
    sealed: bool


def create_tables(engine: Engine) -> None:
    metadata.create_all(engine, checkfirst=True)


def labels_in(connection: Connection, workspace: str) -> dict[int, Label]:
    """Every scope of a workspace."""
    query = select(scopes.c.id, scopes.c.label).where(scopes.c.workspace == workspace)
    return {row.id: Label.parse(row.label) for row in connection.execute(query)}


def scope_of(connection: Connection, workspace: str, label: Label) -> int:
    """The number of a scope, which is made on first use."""
    query = select(scopes.c.id).where(scopes.c.workspace == workspace, scopes.c.label == str(label))
    found = connection.execute(query).scalar()
    if found is None:
        # Two replicas may need it at the same moment.
        _insert_new(connection, scopes, [{"workspace": workspace, "label": str(label)}])
        found = connection.execute(query).scalar_one()
    return int(found)


def put(connection: Connection, kind: Kind, thing: str, scope: int, *, sealed: bool = False) -> None:
    """Let a thing exist in a scope; it may do so already, and then it stays as it is."""
    _insert_new(connection, marks, [{"kind": kind.value, "thing": thing, "scope": scope, "sealed": sealed}])


def move(connection: Connection, kind: Kind, thing: str, scope: int) -> None:
    """Let a thing exist in this scope and in no other; whether it is sealed stays as it is."""
    here = (marks.c.kind == kind.value) & (marks.c.thing == thing)
    sealed = bool(connection.execute(select(marks.c.sealed).where(here).limit(1)).scalar())
    is_there = here & (marks.c.scope == scope)
    changed = connection.execute(update(marks).where(is_there).values(sealed=sealed)).rowcount
    connection.execute(delete(marks).where(here & (marks.c.scope != scope)))
    if not changed:
        put(connection, kind, thing, scope, sealed=sealed)


def forget(connection: Connection, kind: Kind, thing: str, scope: int | None = None) -> None:
    """Take away the mark in one scope, or all of them."""
    here = (marks.c.kind == kind.value) & (marks.c.thing == thing)
    connection.execute(delete(marks).where(here if scope is None else here & (marks.c.scope == scope)))


def hold(connection: Connection, kind: Kind, thing: str) -> None:
    """Nobody else raises the label of this thing until the transaction ends. Its marks cannot be locked themselves: to
    raise is to delete one and to write another. SQLite has one writer at a time."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"{kind.value}:{thing}"))))


def find(connection: Connection, kind: Kind, things: Iterable[str]) -> dict[str, list[Mark]]:
    """The marks of several things of a kind; a thing without one is left out."""
    wanted = sorted(set(things))
    query = (
        select(marks.c.thing, marks.c.scope, marks.c.sealed, scopes.c.workspace, scopes.c.label)
        .join(scopes, scopes.c.id == marks.c.scope)
        .where(marks.c.kind == kind.value, marks.c.thing.in_(wanted))
        .order_by(marks.c.thing, marks.c.scope)
    )
    found: dict[str, list[Mark]] = {}
    for row in connection.execute(query) if wanted else ():
        mark = Mark(row.scope, row.workspace, Label.parse(row.label), row.sealed)
        found.setdefault(row.thing, []).append(mark)
    return found


def scopes_of(connection: Connection, kind: Kind, things: Iterable[str]) -> list[tuple[str, int]]:
    """Thing and scope of each mark of some things of a kind."""
    query = select(marks.c.thing, marks.c.scope).where(marks.c.kind == kind.value, marks.c.thing.in_(list(things)))
    return [(row.thing, row.scope) for row in connection.execute(query)]


def _insert_new(connection: Connection, table: Table, rows: list[dict[str, object]]) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(table).values(rows).on_conflict_do_nothing())
