"""The few rows that MLflow writes past its unit of work: tags of logged models and spans (``_bulk_upsert``), and what
it changes or deletes by a statement."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlflow.store.tracking.dbmodels.models import (
    SqlAssessments,
    SqlLoggedModelTag,
    SqlSpan,
    SqlTraceInfo,
    SqlTraceTag,
)
from sqlalchemy import BinaryExpression, Connection
from sqlalchemy.orm import ORMExecuteState
from sqlalchemy.sql.visitors import iterate

from bongsu.tracking.governed import changes, propagation, screened, tags
from bongsu.tracking.governed.labelling import Ledger, only_look
from bongsu.tracking.governed.marks import Kind
from bongsu.tracking.governed.new_things import CREATABLE
from bongsu.tracking.governed.viewer import Acting

_OWNERS: Mapping[str, tuple[Kind, str]] = {
    SqlLoggedModelTag.__tablename__: (Kind.LOGGED_MODEL, "model_id"),
    SqlSpan.__tablename__: (Kind.TRACE, "trace_id"),
}
WRITABLE: frozenset[str] = frozenset(
    mapped.__tablename__  # type: ignore[attr-defined]
    for mapped in (
        *propagation.OWNERS,
        *propagation.OTHERS,
        *CREATABLE,
    )
)
"""Tables that may get rows from a viewer; every row of them was checked, here or in the unit of work."""


def check(state: ORMExecuteState, actor: Acting) -> None:
    """Look at the things to which the rows of an INSERT belong, and let their labels rise.

    Raises:
        MlflowException: the viewer may not write to them, or rows of this kind are written in no other way.
    """
    table = getattr(state.statement, "table", None)
    owner = _OWNERS.get(str(getattr(table, "name", "")))
    if owner is None or not actor.may_write:
        raise only_look()
    kind, column = owner
    connection = state.session.connection()
    statement: Any = state.statement
    values = statement.compile(dialect=connection.dialect).params
    keys = _column(values, "tag_key")
    for key in keys:
        tags.check_is_free(key)
    screened.check_tags(zip(keys, _column(values, "tag_value"), strict=True))
    ledger = Ledger(connection, actor)
    for thing in sorted(set(_column(values, column))):
        ledger.check_changeable(kind, thing)
        label = ledger.raise_to(kind, thing, [actor.written])
        changes.note(actor, kind, thing, label)
        for key in keys:
            changes.note(actor, kind, thing, label, key=key)


def _column(values: Mapping[str, object], column: str) -> list[str]:
    """One column of all rows of an INSERT: SQLAlchemy numbers its binds ``model_id_m0``, ``model_id_m1``."""
    name = re.compile(rf"^{re.escape(column)}(?:_m\d+)?$")
    return [str(value) for key, value in values.items() if name.match(key)]


_NAMED: Mapping[str, tuple[Kind, str]] = {
    SqlLoggedModelTag.__tablename__: (Kind.LOGGED_MODEL, "model_id"),
    SqlTraceTag.__tablename__: (Kind.TRACE, "request_id"),
    SqlTraceInfo.__tablename__: (Kind.TRACE, "request_id"),
    SqlAssessments.__tablename__: (Kind.TRACE, "trace_id"),
}
"""Rows that MLflow changes or deletes by a statement, and the things that such a statement names."""


def note_statement(statement: Any, connection: Connection, actor: Acting) -> None:
    """That a viewer changes the things whose rows a statement changes or deletes, as far as they see them."""
    kind, column = _NAMED.get(statement.table.name, (None, ""))
    if kind is None or actor.record is None:
        return
    named = sorted({str(thing) for thing in _compared(statement.whereclause, column)})
    labels = Ledger(connection, actor).labels(kind, named)
    experiments = changes.experiments_of(connection, list(labels)) if kind is Kind.TRACE else {}
    keys = [str(key) for name in ("key", "tag_key") for key in _compared(statement.whereclause, name)]
    for thing, label in labels.items():
        for key in keys or [""]:
            changes.note(actor, kind, thing, label, experiment=experiments.get(thing, ""), key=key)


def _compared(where: Any, column: str) -> Iterator[object]:
    """Values with which a column is compared."""
    for part in iterate(where):
        if isinstance(part, BinaryExpression) and getattr(part.left, "name", "") == column:
            value = getattr(part.right, "value", None)
            yield from value if isinstance(value, list | tuple | set) else [value]
