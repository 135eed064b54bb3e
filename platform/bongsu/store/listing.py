"""Lists by the page, filtered: each page begins behind the key of the last row of the one before, wherever rows were
added meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Double,
    Integer,
    Select,
    Table,
    and_,
    collate,
    literal,
    or_,
)

from bongsu.domain.filters import Comparison, FieldKind, Kind, OneOf, Operator
from bongsu.domain.paging import Key, PageRequest
from bongsu.store.metadata import LabelText


@dataclass(frozen=True)
class Step:
    """One part of the order of a list: by this column, the greatest first if it is ``down``."""

    column: ColumnElement[Any]
    down: bool = False


@dataclass(frozen=True)
class Listing:
    """How rows are listed by the page.

    Attributes:
        order: of the rows; together these columns tell them apart.
        fields: what can be filtered by.
        closed: of fields that hold one of a few words, which.
    """

    order: tuple[Step, ...]
    fields: Mapping[str, ColumnElement[Any]]
    closed: Mapping[str, Iterable[str]] = field(default_factory=dict)

    @property
    def kinds(self) -> tuple[type, ...]:
        """Of the parts of a key."""
        return tuple(step.column.type.python_type for step in self.order)

    @property
    def filterable(self) -> dict[str, Kind]:
        closed = {name: OneOf.of(words) for name, words in self.closed.items()}
        return {name: closed.get(name) or _kind(column) for name, column in self.fields.items()}

    def key(self, item: Any) -> Key:
        """Of an item whose attributes are called as the columns are."""
        return tuple(getattr(item, str(step.column.key)) for step in self.order)

    def page(self, query: Select[Any], wanted: PageRequest) -> Select[Any]:
        """Of a query over these columns: the rows that are asked for, in order."""
        query = query.where(*self.conditions(wanted.filters))
        if wanted.behind is not None:
            query = query.where(behind(self.order, wanted.behind))
        ordered = (step.column.desc() if step.down else step.column.asc() for step in self.order)
        return query.order_by(*ordered).limit(wanted.limit)

    def conditions(self, filters: Sequence[Comparison]) -> list[ColumnElement[bool]]:
        """What comparisons ask of the columns of :attr:`fields`."""
        return [_holds(self.fields[one.field], one) for one in filters]


def columns(table: Table, *names: str) -> dict[str, ColumnElement[Any]]:
    """Columns of a table by what documents call them: ``endsAt`` for ``ends_at``."""
    return {name: table.c[re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)] for name in names}


def behind(order: Sequence[Step], key: Sequence[Any]) -> ColumnElement[bool]:
    """Rows that come after one of this key."""
    (first, *others), (value, *values) = order, [_bound(part) for part in key]
    further = first.column < value if first.down else first.column > value
    return or_(further, and_(first.column == value, behind(others, values))) if others else further


def bytewise(connection: Connection, text: ColumnElement[str]) -> ColumnElement[str]:
    """In the order that Python has, whatever the database's own is: for what is put together of several queries."""
    return collate(text, "C" if connection.dialect.name == "postgresql" else "BINARY")


def _bound(value: object) -> object:
    """A whole number may be greater than any that the column holds, and is compared with them all the same: PostgreSQL
    would be told that it is of the column's type."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return literal(value, BigInteger) if is_number else value


def _kind(column: ColumnElement[Any]) -> FieldKind:
    if isinstance(column.type, LabelText):
        return FieldKind.LABEL
    if isinstance(column.type, Double):
        return FieldKind.TIME
    return FieldKind.NUMBER if isinstance(column.type, Integer) else FieldKind.WORD


def _holds(column: ColumnElement[Any], comparison: Comparison) -> ColumnElement[bool]:
    values: list[object] = [_bound(value) for value in comparison.values]
    first = values[0]
    match comparison.operator:
        case Operator.IS:
            return column == first
        case Operator.IS_NOT:
            return column != first
        case Operator.BELOW:
            return column < first
        case Operator.AT_MOST:
            return column <= first
        case Operator.ABOVE:
            return column > first
        case Operator.AT_LEAST:
            return column >= first
        case Operator.ANY_OF:
            return column.in_(values)
