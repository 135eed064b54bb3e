"""Names that stand next to one that nobody has, for who mistyped it: looked for in the order of an index, each by one
look behind the one before it, however many rows have the name and however many names there are."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Column, ColumnElement, Connection, Function, Text, cast, func, literal, select

from bongsu.store.scope import visible

AT_MOST = 500
"""On each side. A name that is spelled so differently that it stands farther away is not suggested."""


def names_near(connection: Connection, column: Column[str], wanted: str) -> list[str]:
    """Names that there are for who reads: the wanted one, if it is among them, and those next to it on both sides."""
    before = _found(connection, column, func.max, column < wanted, lambda last: column < last)
    return [*before, *_found(connection, column, func.min, column >= wanted, lambda last: column > last)]


def _found(
    connection: Connection,
    column: Column[str],
    nearest: Callable[[Column[str]], Function[str]],
    begins: ColumnElement[bool],
    goes_on: Callable[[ColumnElement[str]], ColumnElement[bool]],
) -> list[str]:
    """On one side, the nearest first."""

    def look(where: ColumnElement[bool]) -> ColumnElement[str]:
        found = select(nearest(column)).where(visible(connection, column.table), where)
        return cast(found.scalar_subquery(), Text)

    near = select(look(begins).label("name"), literal(1).label("place")).cte("near", recursive=True)
    last = near.c.name, near.c.place
    step = select(look(goes_on(last[0])), last[1] + 1).where(last[0].is_not(None), last[1] < AT_MOST)
    near = near.union_all(step)
    return list(connection.execute(select(near.c.name).where(near.c.name.is_not(None))).scalars())
