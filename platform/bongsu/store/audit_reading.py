"""Looking into a log: by position, by what is asked for, and by what the reader may see."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from bongsu.domain.audit import AuditOutcome, EntryFilter, told_time
from bongsu.domain.labels import Label
from bongsu.domain.tenants import Tenant
from bongsu.store.listing import Listing, Step, columns
from bongsu.store.portions import portions
from bongsu.store.schema_audit import audit_entries, audit_nodes

ENTRIES = Listing(
    (Step(audit_entries.c.position, down=True),),
    columns(audit_entries, "position", "at", "actor", "action", "object", "label", "outcome"),
    closed={"outcome": AuditOutcome},
)
"""Newest first."""

_BATCH = 1000
# What is asked for and who may see it goes by these.
_SEARCHED = ("tenant", "at", "actor", "action", "object", "label", "outcome")


@dataclass(frozen=True)
class StoredEntry:
    """``entry`` is the text that is hashed, ``leaf`` the hash that was stored with it, and ``columns`` what stands
    beside the text for searching, as the database has it."""

    position: int
    label: str
    entry: str
    leaf: bytes
    columns: Mapping[str, Any]

    def strayed(self) -> list[str]:
        """Columns that do not say what the text says, by which entries would be found that are not, or hidden."""
        try:
            told = json.loads(self.entry)
            # An entry from before outcomes were told is of something that was done.
            said = {name: told.get(name, "done" if name == "outcome" else None) for name in self.columns}
        except (ValueError, AttributeError, RecursionError):
            return sorted(self.columns)
        return sorted(name for name, found in self.columns.items() if _as_told(name, found) != said[name])


def labels_in(connection: Connection, tenant: Tenant) -> list[Label]:
    """Every label that an entry carries, found by as many looks into an index as there are labels. What is no label is
    left out: nobody knows who might see such an entry, and a check of the log tells of it."""
    found: list[str] = []
    here = audit_entries.c.tenant == tenant
    label = connection.execute(select(func.min(audit_entries.c.label)).where(here)).scalar()
    while label is not None:
        found.append(label)
        after = select(func.min(audit_entries.c.label)).where(here, audit_entries.c.label > label)
        label = connection.execute(after).scalar()
    return [label for label in map(_label, found) if label is not None]


def _label(stored: str) -> Label | None:
    try:
        return Label.parse(stored)
    except ValueError:
        return None


def page(
    connection: Connection,
    tenant: Tenant,
    wanted: EntryFilter,
    limit: int,
    before: int | None = None,
    labels: Sequence[Label] | None = None,
) -> list[StoredEntry]:
    """The newest entries first.

    Args:
        connection: in a transaction.
        tenant: whose log.
        wanted: which entries.
        limit: at most this many.
        before: only entries below this position.
        labels: only entries that carry one of these; None for any.
    """
    query = _entries(tenant).where(*_conditions(wanted)).order_by(audit_entries.c.position.desc()).limit(limit)
    if before is not None:
        query = query.where(audit_entries.c.position < before)
    if labels is not None:
        query = query.where(audit_entries.c.label.in_([str(label) for label in labels]))
    return [_stored(row) for row in connection.execute(query)]


def entries_of(
    connection: Connection, tenant: Tenant, action: str, objects: Iterable[str]
) -> Iterator[StoredEntry]:
    """What was done to any of these things by one kind of action, in no order."""
    done = audit_entries.c.action == action, audit_entries.c.outcome == AuditOutcome.DONE.value
    for some in portions(sorted(set(objects))):
        query = _entries(tenant).where(*done, audit_entries.c.object.in_(some))
        yield from map(_stored, connection.execute(query))


def entries_between(connection: Connection, tenant: Tenant, begin: int, end: int) -> Iterator[StoredEntry]:
    """In order of position, read by the thousand."""
    while begin < end:
        here = audit_entries.c.position >= begin, audit_entries.c.position < end
        query = _entries(tenant).where(*here).order_by(audit_entries.c.position).limit(_BATCH)
        rows = connection.execute(query).all()
        if not rows:
            return
        yield from map(_stored, rows)
        begin = rows[-1].position + 1


def last_position(connection: Connection, tenant: Tenant) -> int:
    """Of the entry with the highest one, whatever the log's head says; -1 if there is none."""
    query = select(func.coalesce(func.max(audit_entries.c.position), -1)).where(audit_entries.c.tenant == tenant)
    return int(connection.execute(query).scalar_one())


def entry_at(connection: Connection, tenant: Tenant, position: int) -> StoredEntry | None:
    row = connection.execute(_entries(tenant).where(audit_entries.c.position == position)).one_or_none()
    return _stored(row) if row else None


def _entries(tenant: Tenant) -> Select[Any]:
    leaf = and_(
        audit_nodes.c.tenant == audit_entries.c.tenant,
        audit_nodes.c.level == 0,
        audit_nodes.c.place == audit_entries.c.position,
    )
    columns = audit_entries.c
    return (
        select(columns.position, columns.entry, audit_nodes.c.hash, *(columns[name] for name in _SEARCHED))
        .join_from(audit_entries, audit_nodes, leaf)
        .where(audit_entries.c.tenant == tenant)
    )


def _conditions(wanted: EntryFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.actor:
        yield audit_entries.c.actor == wanted.actor
    if wanted.object:
        yield _begins(audit_entries.c.object, wanted.object)
    if wanted.action.endswith("."):
        yield _begins(audit_entries.c.action, wanted.action)
    elif wanted.action:
        yield audit_entries.c.action == wanted.action
    if wanted.since is not None:
        yield audit_entries.c.at >= wanted.since
    if wanted.until is not None:
        yield audit_entries.c.at < wanted.until
    if wanted.outcome is not None:
        yield audit_entries.c.outcome == wanted.outcome.value
    yield from ENTRIES.conditions(wanted.filters)


def _begins(column: ColumnElement[str], beginning: str) -> ColumnElement[bool]:
    """To the letter: LIKE of SQLite takes capitals and small letters for the same."""
    return func.substr(column, 1, len(beginning)) == beginning


def _stored(row: Any) -> StoredEntry:
    columns = {name: getattr(row, name) for name in _SEARCHED}
    return StoredEntry(row.position, row.label, row.entry, bytes(row.hash), columns)


def _as_told(name: str, found: Any) -> Any:
    """A column in the way of the text; SQLite keeps values of any type."""
    if name != "at":
        return found
    try:
        return told_time(found)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
