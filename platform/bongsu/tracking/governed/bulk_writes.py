"""The few rows that MLflow writes past its unit of work (``_bulk_upsert``): tags of logged models, and spans."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mlflow.store.tracking.dbmodels.models import SqlLoggedModelTag, SqlSpan
from sqlalchemy.orm import ORMExecuteState

from bongsu.tracking.governed import propagation, tags
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
    for key in _column(values, "tag_key"):
        tags.check_is_free(key)
    ledger = Ledger(connection, actor)
    for thing in sorted(set(_column(values, column))):
        ledger.check_changeable(kind, thing)
        ledger.raise_to(kind, thing, [actor.written])


def _column(values: Mapping[str, object], column: str) -> list[str]:
    """One column of all rows of an INSERT: SQLAlchemy numbers its binds ``model_id_m0``, ``model_id_m1``."""
    name = re.compile(rf"^{re.escape(column)}(?:_m\d+)?$")
    return [str(value) for key, value in values.items() if name.match(key)]
