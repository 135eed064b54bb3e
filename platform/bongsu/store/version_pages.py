"""Versions under names by the page: each page is one look into the index of names and numbers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, Table

from bongsu.domain.paging import PageRequest
from bongsu.store.listing import Listing, Step


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
