"""To which other ministries somebody was sent."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert

from bongsu.store.schema_identity import secondments
from bongsu.store.schema_people import memberships
from bongsu.store.taken import add_new


def send(connection: Connection, person: str, ministry: str, now: float) -> None:
    """Raises Taken if they were sent there already."""
    add_new(connection, insert(secondments).values(person=person, ministry=ministry, since=now))


def recall(connection: Connection, person: str, ministry: str) -> None:
    """They are nothing there from now on."""
    for table in (secondments, memberships):
        connection.execute(delete(table).where(table.c.person == person, table.c.ministry == ministry))
