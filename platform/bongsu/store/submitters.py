"""Who submitted a run: they do not decide on what comes of it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, insert, select

from bongsu.store.portions import portions
from bongsu.store.schema_governance import run_submitters
from bongsu.store.taken import add_new


def note_submitter(connection: Connection, run_id: str, person: str, now: float) -> None:
    """That this account submitted the run, or had it go on; in the transaction that did it. Noted once."""
    known = select(run_submitters.c.person).where(
        run_submitters.c.run_id == run_id, run_submitters.c.person == person
    )
    if connection.execute(known).scalar() is None:
        add_new(connection, insert(run_submitters).values(run_id=run_id, person=person, at=now))


def submitters_of(connection: Connection, run_ids: Collection[str]) -> dict[str, set[str]]:
    """By run; one of which nobody knows it is left out."""
    found: dict[str, set[str]] = {}
    for some in portions(sorted(run_ids)):
        query = select(run_submitters).where(run_submitters.c.run_id.in_(some))
        for row in connection.execute(query):
            found.setdefault(row.run_id, set()).add(row.person)
    return found
