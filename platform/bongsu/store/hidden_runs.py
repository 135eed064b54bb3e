"""Runs that made something and that its reader may not see: what was lowered does not name what it was made in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import Connection, case, exists, not_, select

from bongsu.store.listing import Listing
from bongsu.store.portions import portions
from bongsu.store.schema import runs
from bongsu.store.scope import owned, scope_of, visible


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


def filtered_as_told(connection: Connection, listing: Listing) -> Listing:
    """A list of what runs made, whose filters compare what its reader is told: of a hidden run, nothing."""
    if scope_of(connection).clearance is None:
        return listing
    run = listing.fields["runId"]
    is_hidden = exists().where(runs.c.id == run, owned(connection, runs), not_(visible(connection, runs)))
    told = {name: case((is_hidden, ""), else_=listing.fields[name]) for name in ("runId", "stageId")}
    return replace(listing, fields={**listing.fields, **told})
