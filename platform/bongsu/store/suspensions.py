"""Suspended models. The tracking server follows: it is told in the same transaction, to look."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection, func, insert, select

from bongsu.domain.paging import WHOLE, PageRequest
from bongsu.domain.publication import SuspensionChanged
from bongsu.domain.suspension import Suspension
from bongsu.domain.tenants import Tenant
from bongsu.store import outbox
from bongsu.store.ended import end_once
from bongsu.store.listing import Listing, Step, columns
from bongsu.store.portions import PORTION
from bongsu.store.schema import model_versions
from bongsu.store.schema_governance import suspensions
from bongsu.store.taken import add_new

SUSPENSIONS = Listing(
    (Step(suspensions.c.suspended_at, down=True), Step(suspensions.c.id)),
    {
        **columns(suspensions, "id", "name", "version", "suspendedBy", "suspendedAt", "liftedAt"),
        "ministry": suspensions.c.tenant,
    },
)
"""Newest first."""


def add_suspension(connection: Connection, suspension: Suspension) -> None:
    """Suspend. Raises Taken if that is suspended already."""
    add_new(
        connection,
        insert(suspensions).values(
            id=suspension.id,
            tenant=suspension.tenant,
            name=suspension.name,
            version=suspension.version,
            reason=suspension.reason,
            suspended_by=suspension.suspended_by,
            suspended_at=suspension.suspended_at,
            label=suspension.label,
            open_key=_key(suspension.tenant, suspension.name, suspension.version),
        ),
    )
    _tell(connection, suspension)


def lift(connection: Connection, suspension_id: str, now: float) -> bool:
    """Lift a suspension; False, and no change, if it was lifted before."""
    if not end_once(connection, suspensions.c.lifted_at, suspension_id, now, open_key=None):
        return False
    query = select(suspensions).where(suspensions.c.id == suspension_id)
    _tell(connection, _suspension(connection.execute(query).one()))
    return True


def get_suspension(connection: Connection, suspension_id: str) -> Suspension | None:
    """Lifted or not."""
    row = connection.execute(select(suspensions).where(suspensions.c.id == suspension_id)).one_or_none()
    return _suspension(row) if row else None


def open_suspension(connection: Connection, tenant: str, name: str, version: int | None) -> Suspension | None:
    """The one of exactly this."""
    query = select(suspensions).where(suspensions.c.open_key == _key(tenant, name, version))
    row = connection.execute(query).one_or_none()
    return _suspension(row) if row else None


def open_suspensions(connection: Connection) -> tuple[Suspension, ...]:
    """All that hold, oldest first."""
    query = select(suspensions).where(suspensions.c.lifted_at.is_(None))
    return tuple(_suspension(row) for row in connection.execute(query.order_by(suspensions.c.suspended_at)))


def suspensions_of(connection: Connection, names: Collection[str]) -> list[Suspension]:
    """Those that hold of models of these names, of whichever ministry, oldest first."""
    query = select(suspensions).where(suspensions.c.lifted_at.is_(None))
    if len(names) <= PORTION:  # above this, reading all that hold is as fast
        query = query.where(suspensions.c.name.in_(sorted(names)))
    return (
        [_suspension(row) for row in connection.execute(query.order_by(suspensions.c.suspended_at))]
        if names
        else []
    )


def suspended_since(connection: Connection, ministry: str, name: str, version: int) -> float | None:
    """Since when a version of the ministry's model must not be used, in seconds since the epoch; None if it may be."""
    held = suspensions_of(connection, [name])
    return min(
        (one.suspended_at for one in held if one.tenant == ministry and one.covers(name, version)), default=None
    )


def suspensions_in(
    connection: Connection, ministries: Iterable[str], wanted: PageRequest = WHOLE
) -> list[Suspension]:
    """Those of models of these ministries, newest first, lifted ones too."""
    query = select(suspensions).where(suspensions.c.tenant.in_(sorted(ministries)))
    return [_suspension(row) for row in connection.execute(SUSPENSIONS.page(query, wanted))]


def count_suspensions(connection: Connection, tenant: str, name: str) -> int:
    """How often the model was suspended, which numbers the next time."""
    query = select(func.count()).where(suspensions.c.tenant == tenant, suspensions.c.name == name)
    return connection.execute(query).scalar_one()


def _tell(connection: Connection, changed: Suspension) -> None:
    """Under the runs that registered the versions that are meant, of which nothing is told before its beginning is."""
    c = model_versions.c
    query = select(c.run_id, c.version, c.ministry).where(c.ministry == changed.tenant, c.name == changed.name)
    if changed.version is not None:
        query = query.where(c.version == changed.version)
    for row in connection.execute(query.order_by(c.version)).all():
        item = SuspensionChanged(run_id=row.run_id, name=changed.name, version=row.version, ministry=row.ministry)
        outbox.put(connection, row.run_id, item)


def _key(tenant: str, name: str, version: int | None) -> str:
    return f"{tenant}|{name}|{'*' if version is None else version}"


def _suspension(row: Any) -> Suspension:
    values = dict(row._mapping)
    del values["open_key"]
    return Suspension(**values | {"tenant": Tenant(row.tenant), "label": row.label or ""})
