"""The append-only log of each tenant: an RFC 6962 Merkle tree that grows in the transaction of the change.

Who appends takes the row of the log's head first and keeps it to the end of the transaction, so that of any number of
processes and replicas one at a time adds an entry. Therefore it is the last thing that a transaction does.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from sqlalchemy import Connection, insert, update

from bongsu.domain.audit import AuditEvent
from bongsu.domain.merkle import appended, leaf_hash
from bongsu.domain.tenants import Tenant
from bongsu.store.audit_tree import nodes_at
from bongsu.store.schema_audit import audit_entries, audit_logs, audit_nodes
from bongsu.store.upsert import insert_absent

_SALT_BYTES = 16
# A bundle has an entry on one line, of which who verifies it reads a bounded length.
_MOST_BYTES = 262_144


def append(connection: Connection, event: AuditEvent) -> int:
    """Add an entry, in the transaction of the change that it tells of, as its last statement; its position in the
    tenant's log. Raises ValueError for an entry of more than 256 KiB: facts are no content."""
    entry = event.canonical(secrets.token_hex(_SALT_BYTES))
    if len(entry.encode()) > _MOST_BYTES:
        raise ValueError(f"an entry about {event.object} is longer than {_MOST_BYTES} bytes")
    position = _next_position(connection, event.tenant)
    connection.execute(
        insert(audit_entries).values(
            tenant=event.tenant,
            position=position,
            at=event.at,
            actor=event.actor,
            action=event.action,
            object=event.object,
            label=str(event.label),
            outcome=event.outcome.value,
            entry=entry,
        )
    )
    _grow(connection, event.tenant, position, leaf_hash(entry.encode()))
    return position


def append_all(connection: Connection, events: Iterable[AuditEvent]) -> None:
    """Several entries, as the last statements of a transaction. Heads of several logs are taken in one order, so that
    no two transactions wait for each other."""
    for event in sorted(events, key=lambda event: event.tenant):
        append(connection, event)


def _next_position(connection: Connection, tenant: Tenant) -> int:
    """Take the head of the log; from now on no other transaction can add to it until this one ends."""
    grown = (
        update(audit_logs)
        .where(audit_logs.c.tenant == tenant)
        .values(size=audit_logs.c.size + 1)
        .returning(audit_logs.c.size)
    )
    size = connection.execute(grown).scalar()
    if size is None:  # the first entry, or the first of several at once
        insert_absent(connection, audit_logs, {"tenant": tenant, "size": 0})
        size = connection.execute(grown).scalar_one()
    return int(size) - 1


def _grow(connection: Connection, tenant: Tenant, size: int, leaf: bytes) -> None:
    """Add a leaf to a tree of ``size`` entries."""
    left = _left_siblings(connection, tenant, size)
    grown = appended(lambda level, place: left[level, place], size, leaf)
    rows = [{"tenant": tenant, "level": level, "place": place, "hash": found} for level, place, found in grown]
    connection.execute(insert(audit_nodes), rows)


def _left_siblings(connection: Connection, tenant: Tenant, size: int) -> dict[tuple[int, int], bytes]:
    """The complete subtrees that a new leaf completes larger ones with; on average there is one."""
    places, level, place = [], 0, size
    while place % 2:
        places.append((level, place - 1))
        level, place = level + 1, place // 2
    return nodes_at(connection, tenant, places)
