"""Grants: giving, finding, locking and closing them. Their ledgers have a module of their own."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, case, insert, literal, or_, select, update

from bongsu.domain.grants import Grant, GrantState
from bongsu.domain.paging import WHOLE, PageRequest
from bongsu.domain.uses import UseClass
from bongsu.store.faults import readable
from bongsu.store.listing import Listing, Step, columns
from bongsu.store.schema_grants import grants
from bongsu.store.taken import add_new


def add_grant(connection: Connection, grant: Grant, now: float) -> None:
    """Raises Taken if the name is taken."""
    add_new(
        connection,
        insert(grants).values(
            id=grant.id,
            giver=grant.giver,
            receiver=grant.receiver,
            programme=grant.programme,
            use_classes=" ".join(sorted(grant.use_classes)),
            accelerator=grant.accelerator,
            begins=grant.begins,
            ends=grant.ends,
            given_by=grant.given_by,
            created_at=now,
            given_ms=0,
            used_ms=0,
        ),
    )


def get_grant(connection: Connection, grant_id: str, *, lock: bool = False) -> Grant | None:
    """The grant; None if there is none.

    Args:
        connection: in a transaction that writes, if ``lock`` is given.
        grant_id: its name.
        lock: keep every other booking on it waiting until this transaction ends. Whoever holds rows of runs takes
            them before, and the log of a tenant after it, so that nobody waits in a circle.
    """
    query = select(grants).where(grants.c.id == grant_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return _grant(connection, row) if row else None


def grant_list(now: float) -> Listing:
    """How grants are listed at a time (seconds since the epoch): by name; their states change by themselves."""
    state = case(
        (grants.c.closed_at.is_not(None), literal(GrantState.CLOSED.value)),
        (grants.c.begins > now, literal(GrantState.NOT_BEGUN.value)),
        (grants.c.ends > now, literal(GrantState.OPEN.value)),
        else_=literal(GrantState.ENDED.value),
    )
    named = columns(grants, "id", "giver", "receiver", "programme", "accelerator", "givenBy", "closedAt")
    fields = {**named, "beginsAt": grants.c.begins, "endsAt": grants.c.ends, "state": state}
    return Listing((Step(grants.c.id),), fields, closed={"state": GrantState})


def grants_between(
    connection: Connection, parties: Collection[str] | None, wanted: PageRequest = WHOLE, now: float = 0.0
) -> list[Grant]:
    """Those that one of these ministries gave or has received, by name; all of them for None.

    Args:
        connection: in a transaction.
        parties: names of ministries.
        wanted: which of them.
        now: seconds since the epoch, for filters by state.
    """
    query = select(grants)
    if parties is not None:
        query = query.where(or_(grants.c.giver.in_(parties), grants.c.receiver.in_(parties)))
    return [_grant(connection, row) for row in connection.execute(grant_list(now).page(query, wanted))]


def close_grant(connection: Connection, grant_id: str, now: float) -> bool:
    """False if it was closed before."""
    is_open = (grants.c.id == grant_id) & grants.c.closed_at.is_(None)
    return connection.execute(update(grants).where(is_open).values(closed_at=now)).rowcount == 1


def _grant(connection: Connection, row: Row[Any]) -> Grant:
    with readable(connection, grants, row.id):
        return Grant(
            id=row.id,
            giver=row.giver,
            receiver=row.receiver,
            use_classes=frozenset(UseClass(word) for word in row.use_classes.split()),
            accelerator=row.accelerator,
            begins=row.begins,
            ends=row.ends,
            programme=row.programme,
            given_by=row.given_by,
            closed_at=row.closed_at,
        )
