"""The append-only log of each tenant."""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select

from bongsu.domain.audit import AuditEvent
from bongsu.store.schema_audit import audit_entries


def append(connection: Connection, event: AuditEvent) -> int:
    """Add an entry, in the transaction of the change that it tells of; its position in the tenant's log."""
    last = select(func.max(audit_entries.c.position)).where(audit_entries.c.tenant == event.tenant)
    known = connection.execute(last).scalar()
    position = 0 if known is None else int(known) + 1
    connection.execute(
        insert(audit_entries).values(
            tenant=event.tenant,
            position=position,
            at=event.at,
            actor=event.actor,
            action=event.action,
            object=event.object,
            label=str(event.label),
            entry=event.canonical(),
        )
    )
    return position
