"""Versions under names by the page: each page is one look into the index of names and numbers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, Table, and_, or_


def page_of_versions(
    query: Select[Any], table: Table, name: str | None, limit: int | None, behind: tuple[str, int] | None
) -> Select[Any]:
    """A query over ``name`` and ``version`` of a table, by name, newest version first.

    Args:
        query: which rows there are for who asks.
        table: whose rows they are.
        name: only versions of this.
        limit: at most so many.
        behind: name and number of the last version of the page before.
    """
    if name:
        query = query.where(table.c.name == name)
    if behind is not None:
        last, number = behind
        query = query.where(or_(table.c.name > last, and_(table.c.name == last, table.c.version < number)))
    return query.order_by(table.c.name, table.c.version.desc()).limit(limit)
