"""Ministries, people and service accounts, and what each is where."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    false,
)

from bongsu.store.metadata import ID, LABEL, NAME, metadata

ministries = Table(
    "ministries",
    metadata,
    Column("name", NAME, primary_key=True),
    Column("title_ko", String(200), nullable=False),
    Column("title_en", String(200), nullable=False),
    Column("created_at", Double, nullable=False),
    # Since when it takes part no longer; its objects and its log stay.
    Column("closed_at", Double),
    # Whether it gives grants of them.
    Column("owns_gpus", Boolean, nullable=False, default=False, server_default=false()),
    # Whose auditors read its log from then on.
    Column("witness", NAME),
)

people = Table(
    "people",
    metadata,
    Column("id", NAME, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("clearance", LABEL, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("disabled_at", Double),
)

subjects = Table(
    "subjects",
    metadata,
    # Whose people it is one of. Two ministries may have the same subject: one that a provider serves both of is told
    # apart by what its tokens say, and nobody learns from the other one's people whom it has.
    Column("ministry", NAME, nullable=False),
    # Who an identity provider says it is: `iss` and `sub` of its tokens.
    Column("issuer", String(500), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("person", NAME, nullable=False),
    PrimaryKeyConstraint("ministry", "issuer", "subject"),
    ForeignKeyConstraint(["person"], ["people.id"], ondelete="CASCADE"),
    Index(None, "person"),
)

memberships = Table(
    "memberships",
    metadata,
    Column("person", NAME, nullable=False),
    Column("ministry", NAME, nullable=False),
    Column("role", ID, nullable=False),
    PrimaryKeyConstraint("person", "ministry", "role"),
    ForeignKeyConstraint(["person"], ["people.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(["ministry"], ["ministries.name"], ondelete="CASCADE"),
    Index(None, "ministry"),
)
