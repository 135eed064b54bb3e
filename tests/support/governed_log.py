"""What the audit logs of the control plane in front of ``governed_world`` tell."""

from __future__ import annotations

import json
from typing import Any

from governed_ids import World
from sqlalchemy import select
from store_places import open_at

from bongsu.store.schema_audit import audit_entries


def log_of(world: World, actor: str, tenant: str = "mnd") -> list[dict[str, Any]]:
    """Entries of somebody in the log of a ministry, in order."""
    entries = audit_entries.c
    database = open_at(world.server.plane)
    try:
        with database.read() as connection:
            asked = select(entries.entry).where(entries.tenant == tenant, entries.actor == actor)
            return [json.loads(entry) for entry in connection.execute(asked.order_by(entries.position)).scalars()]
    finally:
        database.close()


def changes_of(world: World, actor: str, tenant: str = "mnd") -> list[dict[str, Any]]:
    """The same, without what they read."""
    return [entry for entry in log_of(world, actor, tenant) if not entry["action"].endswith(".read")]
