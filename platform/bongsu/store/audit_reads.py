"""Who read what a moment ago, so that reading it again is no other entry of the log."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, or_, select, update

from bongsu.domain.tenants import Tenant
from bongsu.store.schema_audit import audit_reads


@dataclass(frozen=True)
class Reading:
    """That somebody reads an object which carries a label, at a time (seconds since the epoch)."""

    tenant: Tenant
    actor: str
    object: str
    label: str
    at: float


def is_known(connection: Connection, reading: Reading, window_s: float) -> bool:
    """True if an entry was made of the same less than ``window_s`` seconds before."""
    query = select(audit_reads.c.at).where(_row(reading), ~_is_over(reading, window_s))
    return connection.execute(query).scalar() is not None


def claim_read(connection: Connection, reading: Reading, window_s: float) -> bool:
    """True if the caller is to make the entry.

    Raises:
        sqlalchemy.exc.IntegrityError: another transaction claimed the first one at the same moment.
    """
    renewed = update(audit_reads).where(_row(reading), _is_over(reading, window_s))
    if connection.execute(renewed.values(at=reading.at, label=reading.label)).rowcount:
        return True
    if connection.execute(select(audit_reads.c.at).where(_row(reading))).scalar() is not None:
        return False
    values = {"tenant": reading.tenant, "actor": reading.actor, "object": reading.object}
    connection.execute(insert(audit_reads).values(**values, label=reading.label, at=reading.at))
    return True


def forget_reads(connection: Connection, before: float) -> int:
    """Let go of entries that were made before this time; returns how many."""
    return connection.execute(delete(audit_reads).where(audit_reads.c.at < before)).rowcount


def _row(reading: Reading) -> ColumnElement[bool]:
    columns = audit_reads.c
    return and_(columns.tenant == reading.tenant, columns.actor == reading.actor, columns.object == reading.object)


def _is_over(reading: Reading, window_s: float) -> ColumnElement[bool]:
    """The window is over, or the clock was set back behind its begin, or the object has another label since."""
    at = audit_reads.c.at
    return or_(at <= reading.at - window_s, at > reading.at, audit_reads.c.label != reading.label)
