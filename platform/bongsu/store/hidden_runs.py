"""Runs that made something and that its reader may not see: what was lowered does not name what it was made in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import ColumnElement, Connection, and_, case, not_, select

from bongsu.domain.filters import Comparison
from bongsu.store.listing import Listing
from bongsu.store.portions import portions
from bongsu.store.schema import runs
from bongsu.store.scope import owned, scope_of, visible

RUN = "runId"


def hidden_runs(connection: Connection, run_ids: Iterable[str | None]) -> set[str]:
    """Those of these runs that there are and that the reader may not see; one query for a page of them."""
    if scope_of(connection).clearance is None:
        return set()
    wanted = sorted({one for one in run_ids if one})
    query = select(runs.c.id).where(owned(connection, runs), not_(visible(connection, runs)))
    return {
        run_id
        for some in portions(wanted)
        for run_id in connection.execute(query.where(runs.c.id.in_(some))).scalars()
    }


def as_told(
    connection: Connection, listing: Listing, run_id: ColumnElement[str], filters: Iterable[Comparison]
) -> Listing:
    """A list whose ``runId`` is compared as its reader is told it: empty for a run that they may not see, so that no
    comparison finds out what it is.

    Args:
        connection: reads, as whoever asks.
        listing: of things that a run made.
        run_id: its column of the run.
        filters: what it is filtered by.
    """
    if scope_of(connection).clearance is None or all(one.field != RUN for one in filters):
        return listing
    is_it = and_(runs.c.id == run_id, owned(connection, runs), not_(visible(connection, runs)))
    told = case((select(runs.c.id).where(is_it).exists(), ""), else_=run_id)
    return replace(listing, fields={**listing.fields, RUN: told})
