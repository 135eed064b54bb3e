"""Who leads the processes that share a database."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, String, Table

from bongsu.store.metadata import ID, metadata

leadership = Table(
    "leadership",
    metadata,
    # Of what: `reconciler`.
    Column("name", ID, primary_key=True),
    # Grows with every leader, and never shrinks.
    Column("epoch", BigInteger, nullable=False),
    # For people: the machine and the process of the one who took it last.
    Column("holder", String(200), nullable=False),
    Column("taken_at", Double, nullable=False),
)
