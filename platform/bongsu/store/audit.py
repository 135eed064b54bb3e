"""The append-only log of each tenant: an RFC 6962 Merkle tree that grows in the transaction of the change.

Who appends takes the row of the log's head first and keeps it to the end of the transaction, so that of any number of
processes and replicas one at a time adds an entry. Therefore it is the last thing that a transaction does.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, bindparam, insert, update
from sqlalchemy.exc import IntegrityError

from bongsu.domain.audit import AuditEvent
from bongsu.domain.codes import audit as codes
from bongsu.domain.merkle import appended, leaf_hash
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.tenants import Tenant
from bongsu.store.audit_tree import nodes_at
from bongsu.store.schema_audit import audit_entries, audit_logs, audit_nodes
from bongsu.store.upsert import insert_absent

_SALT_BYTES = 16
# A bundle has an entry on one line, of which who verifies it reads a bounded length.
_MOST_BYTES = 262_144
_ENTRIES = insert(audit_entries)
_NODES = insert(audit_nodes)
_FURTHER = update(audit_logs).where(audit_logs.c.tenant == bindparam("log")).values(size=audit_logs.c.size + 1)
_GROWN = _FURTHER.returning(audit_logs.c.size)


def append(connection: Connection, event: AuditEvent) -> int:
    """Add an entry, in the transaction of the change that it tells of, as its last statement; its position in the
    tenant's log. Raises ValueError for an entry of more than 256 KiB: facts are no content."""
    return _append(connection, event.tenant, [event])


def append_all(connection: Connection, events: Iterable[AuditEvent]) -> None:
    """Several entries, as the last statements of a transaction. Heads of several logs are taken in one order, so that
    no two transactions wait for each other."""
    by_tenant = sorted(events, key=lambda event: event.tenant)
    for tenant, group in itertools.groupby(by_tenant, lambda event: event.tenant):
        _append(connection, tenant, list(group))


def _append(connection: Connection, tenant: Tenant, events: Sequence[AuditEvent]) -> int:
    """Nearly as many statements for many as for one; the position of the first."""
    entries = [event.canonical(secrets.token_hex(_SALT_BYTES)) for event in events]
    for event, entry in zip(events, entries, strict=True):
        if len(entry.encode()) > _MOST_BYTES:
            raise ValueError(f"an entry about {event.object} is longer than {_MOST_BYTES} bytes")
    first = _take_positions(connection, tenant, len(entries))
    rows = [
        {
            "tenant": tenant,
            "position": position,
            "at": event.at,
            "actor": event.actor,
            "action": event.action,
            "object": event.object,
            "label": str(event.label),
            "outcome": event.outcome.value,
            "entry": entry,
        }
        for position, (event, entry) in enumerate(zip(events, entries, strict=True), first)
    ]
    with _damage_told(tenant, first):
        connection.execute(_ENTRIES, rows)
        _grow(connection, tenant, first, [leaf_hash(entry.encode()) for entry in entries])
    return first


@contextmanager
def _damage_told(tenant: Tenant, first: int) -> Iterator[None]:
    """Around adding behind ``first`` entries, which nobody else does at this moment."""
    try:
        yield
    except (IntegrityError, KeyError) as error:
        detail = phrase(
            N_("its head says that it has {size} entries, and the rest of it is not of that size"), size=first
        )
        raise codes.DAMAGED.error(tenant=tenant, detail=detail) from error


def _take_positions(connection: Connection, tenant: Tenant, count: int) -> int:
    """Take the head of the log, and so many positions behind it, of which the first is returned; from now on no other
    transaction can add to it until this one ends. One by one, as the database lets the head grow."""
    size = connection.execute(_GROWN, {"log": tenant}).scalar()
    if size is None:  # the first entry, or the first of several at once
        insert_absent(connection, audit_logs, {"tenant": tenant, "size": 0})
        size = connection.execute(_GROWN, {"log": tenant}).scalar_one()
    if count > 1:
        connection.execute(_FURTHER, [{"log": tenant}] * (count - 1))
    return int(size) - 1


def _grow(connection: Connection, tenant: Tenant, size: int, leaves: Sequence[bytes]) -> None:
    """Add leaves to a tree of ``size`` entries."""
    known = nodes_at(connection, tenant, list(_left_siblings(size, len(leaves))))
    rows = []
    for index, leaf in enumerate(leaves, size):
        for level, place, found in appended(lambda level, place: known[level, place], index, leaf):
            known[level, place] = found
            rows.append({"tenant": tenant, "level": level, "place": place, "hash": found})
    connection.execute(_NODES, rows)


def _left_siblings(size: int, count: int) -> Iterator[tuple[int, int]]:
    """Complete subtrees of the tree of ``size`` entries that ``count`` new leaves complete larger ones with; for one
    leaf there is one on average."""
    for level in range((size + count).bit_length()):
        last = size >> level  # the subtree that the first new leaf is in
        if last % 2 and (last + 1) << level <= size + count:
            yield level, last - 1
