"""The append-only log of each tenant, its tree, and what was signed of it.

Rows of ``audit_entries``, ``audit_nodes``, ``audit_checkpoints`` and ``audit_cosignatures`` are never changed and never
deleted, and a log's size only grows by one: triggers of the database refuse anything else (migration 0007).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from bongsu.store.metadata import LABEL, NAME, metadata

OBJECT = String(300)
# A verifier key: a name, eight hex digits, 44 characters of base64.
KEY = String(300)

audit_logs = Table(
    "audit_logs",
    metadata,
    # Who appends takes this row first: of several replicas, one at a time.
    Column("tenant", NAME, primary_key=True),
    Column("size", BigInteger, nullable=False),
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("tenant", NAME, nullable=False),
    # Counts from 0, without gaps.
    Column("position", BigInteger, nullable=False),
    Column("at", Double, nullable=False),
    Column("actor", NAME, nullable=False),
    Column("action", String(60), nullable=False),
    Column("object", OBJECT, nullable=False),
    Column("label", LABEL, nullable=False),
    Column("outcome", String(20), nullable=False),
    # The bytes that are hashed; the columns beside it are for searching.
    Column("entry", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "position"),
    Index(None, "tenant", "object"),
    Index(None, "tenant", "actor"),
    Index(None, "tenant", "at"),
    Index(None, "tenant", "label"),
)

audit_nodes = Table(
    "audit_nodes",
    metadata,
    Column("tenant", NAME, nullable=False),
    # 0 for leaves; the complete subtree over entries ``place << level`` to ``(place + 1) << level``, exclusive.
    Column("level", Integer, nullable=False),
    Column("place", BigInteger, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    PrimaryKeyConstraint("tenant", "level", "place"),
)

audit_checkpoints = Table(
    "audit_checkpoints",
    metadata,
    Column("tenant", NAME, nullable=False),
    Column("size", BigInteger, nullable=False),
    # The newest of the keys that signed it.
    Column("key", KEY, nullable=False),
    # The signed note, as it is handed out.
    Column("note", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    PrimaryKeyConstraint("tenant", "size", "key"),
)

audit_cosignatures = Table(
    "audit_cosignatures",
    metadata,
    Column("tenant", NAME, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("witness", KEY, nullable=False),
    # The line of the note.
    Column("line", String(1000), nullable=False),
    Column("created_at", Double, nullable=False),
    PrimaryKeyConstraint("tenant", "size", "witness"),
)

audit_reads = Table(
    "audit_reads",
    metadata,
    Column("tenant", NAME, nullable=False),
    Column("actor", NAME, nullable=False),
    Column("object", OBJECT, nullable=False),
    Column("label", LABEL, nullable=False),
    # When an entry was made of it; what is older than the window is of no use.
    Column("at", Double, nullable=False),
    PrimaryKeyConstraint("tenant", "actor", "object"),
    Index(None, "at"),
)
