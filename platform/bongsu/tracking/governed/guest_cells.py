"""Cells of shared rows that are their ministry's own business: rows are filtered by the database, cells as they are
loaded. Nobody writes to what is another ministry's, so none of this comes back. A question about such a cell finds
nothing, as of one that is empty: by filters its content could be guessed letter by letter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlflow.store.model_registry.dbmodels import models as registry
from sqlalchemy import ColumnElement, Select, event, false
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.sql.visitors import iterate

from bongsu.tracking.governed.viewer import Acting, current_actor

HIDDEN: Mapping[type, tuple[str, ...]] = {
    registry.SqlRegisteredModel: ("description",),
    registry.SqlModelVersion: ("run_id", "run_link", "user_id"),
}
"""What is said of all versions together, and where and by whom one was made; as our own API leaves it empty."""
_CELLS = frozenset(mapped.__table__.c[name] for mapped, names in HIDDEN.items() for name in names)  # type: ignore[attr-defined]
_WHEN = ("load", "refresh")


def attach() -> None:
    """Leave them empty for guests from now on; once in a process."""
    for mapped in HIDDEN:
        for moment in _WHEN:
            event.listen(mapped, moment, _empty)


def detach() -> None:
    for mapped in HIDDEN:
        for moment in _WHEN:
            event.remove(mapped, moment, _empty)


def narrowed(statement: Any) -> Any:
    """A query, which finds nothing if a guest asks by such a cell."""
    if not _is_guest() or not any(map(_is_of_hidden, _conditions(statement))):
        return statement
    return statement.where(false())


def _conditions(statement: Any) -> Iterator[ColumnElement[bool]]:
    """Of the query and of those within it."""
    for part in iterate(statement):
        if isinstance(part, Select) and part.whereclause is not None:
            yield part.whereclause


def _is_of_hidden(condition: ColumnElement[bool]) -> bool:
    parts = (part for part in iterate(condition) if isinstance(part, ColumnElement))
    return any(not _CELLS.isdisjoint(part.base_columns) for part in parts)


def _is_guest() -> bool:
    actor = current_actor()
    return isinstance(actor, Acting) and actor.sight is not None and actor.sight.is_guest


def _empty(row: Any, _context: Any, _attributes: Any = None) -> None:
    if _is_guest():
        for name in HIDDEN[type(row)]:
            if name in row.__dict__:
                set_committed_value(row, name, None)
