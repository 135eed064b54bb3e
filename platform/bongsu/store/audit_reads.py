"""Who read what a moment ago, so that reading it again is no other entry of the log."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, insert, select, update

from bongsu.domain.labels import Label
from bongsu.domain.tenants import Tenant
from bongsu.store.schema_audit import audit_reads
from bongsu.store.taken import add_new

_COLUMNS = audit_reads.c
_FOUND = select(_COLUMNS.at, _COLUMNS.label).where(
    _COLUMNS.tenant == bindparam("tenant"),
    _COLUMNS.actor == bindparam("actor"),
    _COLUMNS.object == bindparam("object"),
)


@dataclass(frozen=True)
class Reading:
    """That somebody reads an object which carries a label, at a time (seconds since the epoch)."""

    tenant: Tenant
    actor: str
    object: str
    label: Label
    at: float

    def covers(self, other: Reading, window_s: float) -> bool:
        """True if it, of which there is an entry, and another of the same by the same are one: that is less than
        ``window_s`` seconds later, and of no higher label."""
        return self.is_followed_by(other, window_s) and self.label.dominates(other.label)

    def is_followed_by(self, other: Reading, window_s: float) -> bool:
        """The window is open, and the clock was not set back behind its begin."""
        return other.at - window_s < self.at <= other.at


def recorded(connection: Connection, reading: Reading) -> Reading | None:
    """The last one of the same by the same of which there is an entry, or, of several up to different labels, what they
    come to."""
    key = {"tenant": reading.tenant, "actor": reading.actor, "object": reading.object}
    row = connection.execute(_FOUND, key).one_or_none()
    return None if row is None else replace(reading, label=Label.parse(row.label), at=row.at)


def claim_read(connection: Connection, reading: Reading, window_s: float) -> bool:
    """True if the caller is to make the entry.

    Raises:
        Taken: another transaction claimed the first one at the same moment.
    """
    known = recorded(connection, reading)
    if known is None:
        values = {"tenant": reading.tenant, "actor": reading.actor, "object": reading.object}
        add_new(connection, insert(audit_reads).values(**values, label=str(reading.label), at=reading.at))
        return True
    if known.covers(reading, window_s):
        return False
    # A list may be read up to one label, and then up to another: the window goes on for both.
    goes_on = known.is_followed_by(reading, window_s)
    label, at = (known.label.join(reading.label), known.at) if goes_on else (reading.label, reading.at)
    as_seen = audit_reads.c.at == known.at, audit_reads.c.label == str(known.label)
    renewed = update(audit_reads).where(_row(reading), *as_seen).values(label=str(label), at=at)
    if connection.execute(renewed).rowcount:
        return True
    return claim_read(connection, reading, window_s)  # another transaction was first: now its claim is seen


def forget_reads(connection: Connection, before: float) -> int:
    """Let go of entries that were made before this time; returns how many."""
    return connection.execute(delete(audit_reads).where(audit_reads.c.at < before)).rowcount


def _row(reading: Reading) -> ColumnElement[bool]:
    is_who_and_what = _COLUMNS.actor == reading.actor, _COLUMNS.object == reading.object
    return and_(_COLUMNS.tenant == reading.tenant, *is_who_and_what)
