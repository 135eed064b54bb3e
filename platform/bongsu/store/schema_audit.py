"""The append-only log of each tenant."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, PrimaryKeyConstraint, String, Table, Text

from bongsu.store.metadata import LABEL, NAME, metadata

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("tenant", NAME, nullable=False),
    # Counts from 0, without gaps.
    Column("position", BigInteger, nullable=False),
    Column("at", Double, nullable=False),
    Column("actor", NAME, nullable=False),
    Column("action", String(60), nullable=False),
    Column("object", String(300), nullable=False),
    Column("label", LABEL, nullable=False),
    # The bytes that are hashed; the columns beside it are for searching.
    Column("entry", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "position"),
    Index(None, "tenant", "object"),
    Index(None, "tenant", "actor"),
    Index(None, "tenant", "at"),
)
