"""Checkpoints that were signed, and what witnesses signed under them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Row, func, insert, select

from bongsu.domain.tenants import Tenant
from bongsu.store.schema_audit import audit_checkpoints, audit_cosignatures, audit_logs


@dataclass(frozen=True)
class StoredCheckpoint:
    """``note`` is the signed note with the log's own signatures; ``key`` the newest of the keys that signed it."""

    size: int
    key: str
    note: str
    created_at: float


@dataclass(frozen=True)
class StoredCosignature:
    """``line`` is that of the note, ``witness`` the key by which it was verified."""

    size: int
    witness: str
    line: str


def take_head(connection: Connection, tenant: Tenant) -> int:
    """Keep others from adding to the log until the transaction ends; its size, 0 if there is none."""
    head = select(audit_logs.c.size).where(audit_logs.c.tenant == tenant).with_for_update()
    return int(connection.execute(head).scalar() or 0)


def add_checkpoint(connection: Connection, tenant: Tenant, stored: StoredCheckpoint) -> None:
    """The caller has taken the log's head and seen that there is none of this size and key."""
    values = {"size": stored.size, "key": stored.key, "note": stored.note, "created_at": stored.created_at}
    connection.execute(insert(audit_checkpoints).values(tenant=tenant, **values))


def newest_checkpoint(connection: Connection, tenant: Tenant) -> StoredCheckpoint | None:
    """The largest; of several of one size, the one that was signed last."""
    here = select(audit_checkpoints).where(audit_checkpoints.c.tenant == tenant)
    query = here.order_by(audit_checkpoints.c.size.desc(), audit_checkpoints.c.created_at.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return _stored(row) if row else None


def checkpoints_between(
    connection: Connection, tenant: Tenant, smallest: int, largest: int
) -> list[StoredCheckpoint]:
    """By size, those of ``smallest`` to ``largest`` entries, both inclusive."""
    query = select(audit_checkpoints).where(
        audit_checkpoints.c.tenant == tenant,
        audit_checkpoints.c.size >= smallest,
        audit_checkpoints.c.size <= largest,
    )
    rows = connection.execute(query.order_by(audit_checkpoints.c.size, audit_checkpoints.c.created_at))
    return [_stored(row) for row in rows]


def keys_of(connection: Connection, tenant: Tenant) -> list[str]:
    """Every key that signed checkpoints of the log, the oldest first."""
    query = (
        select(audit_checkpoints.c.key)
        .where(audit_checkpoints.c.tenant == tenant)
        .group_by(audit_checkpoints.c.key)
        .order_by(func.min(audit_checkpoints.c.size), audit_checkpoints.c.key)
    )
    return list(connection.execute(query).scalars())


def newest_keys(connection: Connection) -> Iterator[tuple[Tenant, str]]:
    """By tenant: the key that signed the newest checkpoint of its log."""
    tenants = connection.execute(select(audit_logs.c.tenant).order_by(audit_logs.c.tenant)).scalars().all()
    for tenant in map(Tenant, tenants):
        newest = newest_checkpoint(connection, tenant)
        if newest is not None:
            yield tenant, newest.key


def add_cosignature(connection: Connection, tenant: Tenant, stored: StoredCosignature, now: float) -> None:
    """The caller has taken the log's head and seen that this witness did not sign this size before."""
    values = {"size": stored.size, "witness": stored.witness, "line": stored.line, "created_at": now}
    connection.execute(insert(audit_cosignatures).values(tenant=tenant, **values))


def cosignatures_between(
    connection: Connection, tenant: Tenant, smallest: int, largest: int
) -> list[StoredCosignature]:
    """Of checkpoints of ``smallest`` to ``largest`` entries, both inclusive, by size; of one size, those that were
    accepted first before others."""
    query = select(audit_cosignatures).where(
        audit_cosignatures.c.tenant == tenant,
        audit_cosignatures.c.size >= smallest,
        audit_cosignatures.c.size <= largest,
    )
    columns = audit_cosignatures.c
    rows = connection.execute(query.order_by(columns.size, columns.created_at, columns.witness))
    return [StoredCosignature(row.size, row.witness, row.line) for row in rows]


def unsigned_logs(connection: Connection) -> Iterator[tuple[Tenant, int, int, float | None]]:
    """Logs that are not what their newest checkpoint says: tenant, size, size that is signed, and when that was signed.
    One that is smaller lost entries."""
    newest = (
        select(
            audit_checkpoints.c.tenant,
            func.max(audit_checkpoints.c.size).label("size"),
            func.max(audit_checkpoints.c.created_at).label("at"),
        )
        .group_by(audit_checkpoints.c.tenant)
        .subquery()
    )
    signed = func.coalesce(newest.c.size, 0)
    query = (
        select(audit_logs.c.tenant, audit_logs.c.size, signed, newest.c.at)
        .join_from(audit_logs, newest, audit_logs.c.tenant == newest.c.tenant, isouter=True)
        .where(audit_logs.c.size != signed)
        .order_by(audit_logs.c.tenant)
    )
    for tenant, size, known, at in connection.execute(query).all():
        yield Tenant(tenant), int(size), int(known), at


def _stored(row: Row[tuple[str, int, str, str, float]]) -> StoredCheckpoint:
    return StoredCheckpoint(row.size, row.key, row.note, row.created_at)
