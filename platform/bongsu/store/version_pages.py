"""Versions under names, by the page and by their numbers: each is one look into the index of names and numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Select, Table, and_, or_

from bongsu.domain.paging import PageRequest
from bongsu.store.listing import Listing, Step
from bongsu.store.portions import portions

Named = tuple[str, int]
"""A name and a number."""
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


LARGEST_NUMBER = (1 << 31) - 1
"""That the column of a version holds; PostgreSQL refuses to look for a greater one."""


def number_in(text: str) -> int | None:
    """The number of a version as it is written; None of what is none."""
    return int(text) if _NUMBER.fullmatch(text) else None


def versions_named(table: Table, query: Select[Any], wanted: Iterable[Named]) -> Iterator[Select[Any]]:
    """A query over ``name`` and ``version`` of a table, for these versions alone: by the portion."""
    for some in portions(sorted(set(wanted))):
        numbers: dict[str, list[int]] = {}
        for name, number in some:
            numbers.setdefault(name, []).append(number)
        # SQLite would read all rows for pairs that are written as pairs.
        yield query.where(
            or_(*(and_(table.c.name == name, table.c.version.in_(numbers[name])) for name in numbers))
        )


def by_version(table: Table) -> tuple[Step, ...]:
    """By name, newest version first."""
    return Step(table.c.name), Step(table.c.version, down=True)


def page_of_versions(listing: Listing, query: Select[Any], name: str | None, wanted: PageRequest) -> Select[Any]:
    """A query over ``name`` and ``version`` of a table.

    Args:
        listing: in the order of :func:`by_version`.
        query: which rows there are for who asks.
        name: only versions of this.
        wanted: which of them.
    """
    name_column = listing.order[0].column
    return listing.page(query.where(name_column == name) if name else query, wanted)
