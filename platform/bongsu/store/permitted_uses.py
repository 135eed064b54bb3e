"""The register of uses. Entries are added and withdrawn, and never changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, insert, select

from bongsu.domain.paging import WHOLE, PageRequest
from bongsu.domain.tenants import Tenant
from bongsu.domain.use_register import Evidence, PermittedUse, Tier
from bongsu.domain.uses import UseClass
from bongsu.store.ended import end_once
from bongsu.store.faults import readable
from bongsu.store.listing import Listing, Step, columns
from bongsu.store.schema_governance import permitted_uses
from bongsu.store.taken import add_new

USES = Listing(
    (Step(permitted_uses.c.ministry), Step(permitted_uses.c.ends_at, down=True), Step(permitted_uses.c.id)),
    columns(
        permitted_uses,
        "id",
        "ministry",
        "useClass",
        "tier",
        "owner",
        "beginsAt",
        "endsAt",
        "registeredBy",
        "registeredAt",
        "withdrawnBy",
        "withdrawnAt",
    ),
    closed={"useClass": UseClass, "tier": Tier},
)
"""Of each ministry those that end last first."""


# Of the columns, the arguments of :meth:`bongsu.domain.use_register.Evidence.of`.
_EVIDENCE = ("evidence", "evidence_at", "evidence_ends_at")


def add_use(connection: Connection, use: PermittedUse) -> None:
    """Add an entry. Raises Taken if there is one of this id."""
    add_new(
        connection,
        insert(permitted_uses).values(
            id=use.id,
            ministry=use.ministry,
            use_class=use.use_class.value,
            statement=use.statement,
            conditions=use.conditions,
            tier=use.tier.value,
            owner=use.owner,
            evidence=use.evidence.reference,
            evidence_at=use.evidence.dated_at,
            evidence_ends_at=use.evidence.ends_at,
            begins_at=use.begins_at,
            ends_at=use.ends_at,
            registered_by=use.registered_by,
            registered_at=use.registered_at,
            withdrawn_by="",
            withdrawn_why="",
        ),
    )


def withdraw(connection: Connection, use_id: str, by: str, why: str, now: float) -> bool:
    """Withdraw an entry; False, and no change, if it was withdrawn before."""
    said = {"withdrawn_by": by, "withdrawn_why": why}
    return end_once(connection, permitted_uses.c.withdrawn_at, use_id, now, **said)


def find_use(connection: Connection, use_id: str) -> PermittedUse | None:
    row = connection.execute(select(permitted_uses).where(permitted_uses.c.id == use_id)).one_or_none()
    return _use(connection, row) if row else None


def uses_of(
    connection: Connection, ministries: Iterable[str], wanted: PageRequest = WHOLE
) -> tuple[PermittedUse, ...]:
    """Entries of these ministries, those that end last first."""
    query = select(permitted_uses).where(permitted_uses.c.ministry.in_(sorted(ministries)))
    return tuple(_use(connection, row) for row in connection.execute(USES.page(query, wanted)))


def _use(connection: Connection, row: Any) -> PermittedUse:
    values = dict(row._mapping)
    with readable(connection, permitted_uses, row.id):
        evidence = Evidence.of(*(values.pop(name) for name in _EVIDENCE))
        return PermittedUse(
            **values
            | {
                "ministry": Tenant(row.ministry),
                "use_class": UseClass(row.use_class),
                "tier": Tier(row.tier),
                "evidence": evidence,
            }
        )
