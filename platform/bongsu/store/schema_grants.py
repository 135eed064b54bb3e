"""GPU grants, their ledgers, and notices of what will be taken back.

A ledger only grows: triggers of the migration refuse every change of an entry and every removal. Amounts are whole
GPU-milliseconds.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from bongsu.store.metadata import ID, NAME, metadata

SUBJECT = String(300)

grants = Table(
    "grants",
    metadata,
    Column("id", ID, primary_key=True),
    Column("giver", NAME, nullable=False),
    Column("receiver", NAME, nullable=False),
    Column("programme", NAME, nullable=False),
    # Use classes in order, with blanks between them; empty for all.
    Column("use_classes", String(500), nullable=False),
    Column("accelerator", String(40), nullable=False),
    Column("begins", Double, nullable=False),
    Column("ends", Double, nullable=False),
    Column("given_by", NAME, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("closed_at", Double),
    # Sums over the ledger, kept in the transaction that adds to it: what was given, adjusted and not taken back, and
    # what was metered.
    Column("given_ms", BigInteger, nullable=False, default=0),
    Column("used_ms", BigInteger, nullable=False, default=0),
    Index(None, "giver"),
    Index(None, "receiver"),
)

grant_entries = Table(
    "grant_entries",
    metadata,
    Column("grant_id", ID, nullable=False),
    # Counts from 1, without gaps.
    Column("position", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    # What is booked once: an attempt, an opening of a run, a request of a person.
    Column("subject", SUBJECT, nullable=False),
    Column("gpu_ms", BigInteger, nullable=False),
    Column("run_id", ID, nullable=False),
    Column("at", Double, nullable=False),
    # Of what was metered: how many GPUs, from when until when. Of what was set aside: until when, as estimated.
    Column("gpus", Integer),
    Column("begins", Double),
    Column("ends", Double),
    # Who booked it; empty for the control plane itself.
    Column("actor", NAME, nullable=False),
    # In words of a person; of what was metered, how the attempt ended.
    Column("reason", Text, nullable=False),
    PrimaryKeyConstraint("grant_id", "position"),
    ForeignKeyConstraint(["grant_id"], ["grants.id"]),
    UniqueConstraint("grant_id", "kind", "subject"),
    Index(None, "run_id", "grant_id"),
    Index(None, "grant_id", "kind", "ends"),
)

grant_notices = Table(
    "grant_notices",
    metadata,
    Column("grant_id", ID, nullable=False),
    # Counts from 1.
    Column("number", Integer, nullable=False),
    Column("gpu_ms", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", NAME, nullable=False),
    Column("announced_at", Double, nullable=False),
    Column("effective_at", Double, nullable=False),
    # When it was carried out or withdrawn; of all notices of a grant one at most is neither.
    Column("ended_at", Double),
    PrimaryKeyConstraint("grant_id", "number"),
    ForeignKeyConstraint(["grant_id"], ["grants.id"]),
)
