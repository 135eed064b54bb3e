"""Every table, whichever module declares it."""

from __future__ import annotations

from bongsu.store import (
    schema,
    schema_audit,
    schema_governance,
    schema_grades,
    schema_grants,
    schema_identity,
    schema_leadership,
    schema_people,
    schema_requests,
)
from bongsu.store.metadata import metadata

__all__ = [
    "metadata",
    "schema",
    "schema_audit",
    "schema_governance",
    "schema_grades",
    "schema_grants",
    "schema_identity",
    "schema_leadership",
    "schema_people",
    "schema_requests",
]
