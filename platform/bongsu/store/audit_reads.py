"""Who read what a moment ago, or wrote to it, so that doing so again is no other entry of the log."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, insert, select, update

from bongsu.domain.labels import Label
from bongsu.domain.tenants import Tenant
from bongsu.store.conflicts import Conflict
from bongsu.store.schema_audit import audit_reads
from bongsu.store.taken import add_new

_COLUMNS = audit_reads.c
_LONGEST_OBJECT = 300
_ROUNDS = 5
_FOUND = select(_COLUMNS.at, _COLUMNS.label).where(
    _COLUMNS.tenant == bindparam("tenant"),
    _COLUMNS.actor == bindparam("actor"),
    _COLUMNS.object == bindparam("object"),
)


@dataclass(frozen=True)
class Reading:
    """That somebody reads an object which carries a label, at a time (seconds since the epoch); with an ``action``,
    that they do something else to it which is done many times, e.g. ``mlflow.run.write``."""

    tenant: Tenant
    actor: str
    object: str
    label: Label
    at: float
    action: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """By which it is the same as another. What is too long for a column ends in its own digest: what begins alike
        is not the same."""
        done = f"{self.action} {self.object}" if self.action else self.object
        if len(done) > _LONGEST_OBJECT:
            digest = hashlib.sha256(done.encode(errors="backslashreplace")).hexdigest()
            done = done[: _LONGEST_OBJECT - len(digest)] + digest
        return self.tenant, self.actor, done

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
    row = connection.execute(_FOUND, _key(reading)).one_or_none()
    return None if row is None else replace(reading, label=Label.parse(row.label), at=row.at)


def claim_read(connection: Connection, reading: Reading, window_s: float) -> bool:
    """True if the caller is to make the entry.

    Raises:
        Taken: another transaction claimed the first one at the same moment.
        Conflict: others changed what is claimed each time that it was looked at.
    """
    for _round in range(_ROUNDS):
        known = recorded(connection, reading)
        if known is None:
            row = {**_key(reading), "label": str(reading.label), "at": reading.at}
            add_new(connection, insert(audit_reads).values(**row))
            return True
        if known.covers(reading, window_s):
            return False
        if _renew(connection, known, reading, window_s):
            return True
    raise Conflict(audit_reads.name)


def _renew(connection: Connection, known: Reading, reading: Reading, window_s: float) -> bool:
    """False if another transaction was first, whose claim is seen now."""
    # A list may be read up to one label, and then up to another: the window goes on for both.
    goes_on = known.is_followed_by(reading, window_s)
    label, at = (known.label.join(reading.label), known.at) if goes_on else (reading.label, reading.at)
    as_seen = _COLUMNS.at == known.at, _COLUMNS.label == str(known.label)
    renewed = update(audit_reads).where(_row(reading), *as_seen).values(label=str(label), at=at)
    return bool(connection.execute(renewed).rowcount)


def forget_reads(connection: Connection, before: float) -> int:
    """Let go of entries that were made before this time; returns how many."""
    return connection.execute(delete(audit_reads).where(audit_reads.c.at < before)).rowcount


def _row(reading: Reading) -> ColumnElement[bool]:
    return and_(*(_COLUMNS[name] == value for name, value in _key(reading).items()))


def _key(reading: Reading) -> dict[str, str]:
    return dict(zip(("tenant", "actor", "object"), reading.key, strict=True))
