"""Requests that were carried out, so that one that comes again is answered and not carried out again."""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, PrimaryKeyConstraint, String, Table

from bongsu.store.metadata import DIGEST, NAME, metadata

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("actor", NAME, nullable=False),
    Column("key", String(200), nullable=False),
    # Of what was asked for: a key stands for one request.
    Column("request", DIGEST, nullable=False),
    # What came of it, e.g. a run's id.
    Column("result", String(300), nullable=False),
    Column("created_at", Double, nullable=False),
    PrimaryKeyConstraint("actor", "key"),
    Index(None, "created_at"),
)
