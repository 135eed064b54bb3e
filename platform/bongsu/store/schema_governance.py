"""Registers of uses, permits, proposals and what people said to them, suspensions, releases of labels."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
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
    text,
)

from bongsu.store.metadata import DIGEST, ID, LABEL, NAME, metadata

OBJECT = String(300)

permitted_uses = Table(
    "permitted_uses",
    metadata,
    Column("id", ID, primary_key=True),
    Column("ministry", NAME, nullable=False),
    Column("use_class", String(60), nullable=False),
    Column("statement", Text, nullable=False),
    Column("conditions", Text, nullable=False),
    Column("tier", String(10), nullable=False),
    Column("owner", NAME, nullable=False),
    Column("evidence", String(1000), nullable=False),
    Column("evidence_at", Double, nullable=False),
    Column("evidence_ends_at", Double),
    Column("begins_at", Double, nullable=False),
    Column("ends_at", Double, nullable=False),
    Column("registered_by", NAME, nullable=False),
    Column("registered_at", Double, nullable=False),
    Column("withdrawn_at", Double),
    Column("withdrawn_by", NAME, nullable=False, default=""),
    Column("withdrawn_why", Text, nullable=False, default=""),
    Index(None, "ministry", "use_class"),
)

dataset_permits = Table(
    "dataset_permits",
    metadata,
    Column("id", ID, primary_key=True),
    Column("tenant", NAME, nullable=False),
    Column("name", NAME, nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", DIGEST, nullable=False),
    # A JSON list.
    Column("use_classes", Text, nullable=False),
    Column("card", String(1000), nullable=False),
    Column("custodian", NAME, nullable=False),
    Column("reason", Text, nullable=False),
    Column("begins_at", Double, nullable=False),
    Column("ends_at", Double, nullable=False),
    Column("given_at", Double, nullable=False),
    Column("revoked_at", Double),
    Column("revoked_by", NAME, nullable=False, default=""),
    Column("revoked_why", Text, nullable=False, default=""),
    Index(None, "digest"),
    Index(None, "tenant", "name"),
)

access_permits = Table(
    "access_permits",
    metadata,
    Column("id", ID, primary_key=True),
    Column("object", OBJECT, nullable=False),
    Column("giver", NAME, nullable=False),
    Column("ministry", NAME, nullable=False),
    Column("purpose", String(60), nullable=False),
    Column("begins_at", Double, nullable=False),
    Column("ends_at", Double, nullable=False),
    Column("given_by", NAME, nullable=False),
    Column("given_at", Double, nullable=False),
    Column("reason", Text, nullable=False),
    Column("revoked_at", Double),
    Column("revoked_by", NAME, nullable=False, default=""),
    Index(None, "object"),
    Index(None, "ministry"),
    Index(None, "giver"),
)

run_submitters = Table(
    "run_submitters",
    metadata,
    Column("run_id", ID, nullable=False),
    Column("person", NAME, nullable=False),
    Column("at", Double, nullable=False),
    PrimaryKeyConstraint("run_id", "person"),
    ForeignKeyConstraint(["run_id"], ["runs.id"], ondelete="CASCADE"),
)

proposals = Table(
    "proposals",
    metadata,
    Column("id", ID, primary_key=True),
    Column("tenant", NAME, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("object", OBJECT, nullable=False),
    Column("label", LABEL, nullable=False),
    # What is bound, as the JSON that is hashed.
    Column("binding", Text, nullable=False),
    Column("digest", DIGEST, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposer", NAME, nullable=False),
    # A JSON list.
    Column("submitters", Text, nullable=False),
    Column("needs", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("note", Text, nullable=False, default=""),
    Column("proposed_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("changed_at", Double, nullable=False),
    Column("carried_out_at", Double),
    # Grows with every change: a writer that read an older one is refused.
    Column("version", Integer, nullable=False, default=0),
    # What is proposed, while it is open: of two that propose the same at once one finds the other's.
    Column("open_key", String(700)),
    Index(None, "tenant", "state"),
    Index(None, "object"),
    UniqueConstraint("open_key"),
)

votes = Table(
    "votes",
    metadata,
    Column("proposal", ID, nullable=False),
    # One decision a person, whatever comes at once.
    Column("person", NAME, nullable=False),
    Column("choice", String(20), nullable=False),
    Column("digest", DIGEST, nullable=False),
    Column("reason", Text, nullable=False),
    Column("voted_at", Double, nullable=False),
    # When the proposal was carried out; NULL if it never was.
    Column("counted", Boolean),
    PrimaryKeyConstraint("proposal", "person"),
    ForeignKeyConstraint(["proposal"], ["proposals.id"], ondelete="CASCADE"),
)

_HELD = "lifted_at IS NULL"
suspensions = Table(
    "suspensions",
    metadata,
    Column("id", ID, primary_key=True),
    Column("tenant", NAME, nullable=False),
    Column("name", NAME, nullable=False),
    # None for all versions.
    Column("version", Integer),
    Column("reason", Text, nullable=False),
    Column("suspended_by", NAME, nullable=False),
    Column("suspended_at", Double, nullable=False),
    Column("lifted_at", Double),
    # Of what was suspended, when it was: its reason keeps it. None of those that another version wrote.
    Column("label", LABEL),
    # What is suspended, while it is.
    Column("open_key", String(500)),
    Index(None, "tenant", "name"),
    # Those that hold are few, and are asked for before every stage.
    Index("ix_suspensions_held", "name", sqlite_where=text(_HELD), postgresql_where=text(_HELD)),
    UniqueConstraint("open_key"),
)

label_releases = Table(
    "label_releases",
    metadata,
    Column("proposal", ID, nullable=False),
    Column("tenant", NAME, nullable=False),
    Column("digest", DIGEST, nullable=False),
    # Labels up to the first count as the second for these bytes, where they are computed.
    Column("from_label", LABEL, nullable=False),
    Column("to_label", LABEL, nullable=False),
    Column("released_at", Double, nullable=False),
    PrimaryKeyConstraint("proposal"),
    Index(None, "tenant", "digest"),
)

model_standings = Table(
    "model_standings",
    metadata,
    Column("tenant", NAME, nullable=False),
    Column("name", NAME, nullable=False),
    Column("version", Integer, nullable=False),
    Column("standing", String(20), nullable=False),
    Column("since", Double),
    # A JSON list of sentences.
    Column("lapses", Text, nullable=False),
    Column("noted_at", Double, nullable=False),
    PrimaryKeyConstraint("tenant", "name", "version"),
)
