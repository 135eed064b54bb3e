"""Every table, whichever module declares it."""

from __future__ import annotations

from bongsu.store import schema, schema_audit, schema_governance, schema_people
from bongsu.store.metadata import metadata

__all__ = ["metadata", "schema", "schema_audit", "schema_governance", "schema_people"]
