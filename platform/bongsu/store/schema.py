"""Runs and what comes of them: states, events, artifacts, lineage, models, data sets.

Times are seconds since the epoch (UTC) as double precision; structured values are JSON text.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
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
    true,
)

from bongsu.store.metadata import DIGEST, ID, LABEL, NAME, PLACE, metadata

runs = Table(
    "runs",
    metadata,
    Column("id", ID, primary_key=True),
    Column("pipeline", NAME, nullable=False),
    Column("tenant", NAME, nullable=False, default="", server_default=""),
    Column("ministry", NAME, nullable=False),
    # Who submitted it: an actor's id; empty where there was nobody to tell apart.
    Column("submitted_by", NAME, nullable=False, default="", server_default=""),
    Column("plan_hash", DIGEST, nullable=False),
    Column("plan", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("label", LABEL, nullable=False),
    Column("use_class", String(60), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column("finished_at", Double),
    # Grows with every change: a writer that read an older one is refused.
    Column("version", Integer, nullable=False, default=0),
    # The plan's hash while the run is under way, so that of two that submit one plan at once one finds the other's.
    Column("open_key", DIGEST),
    Index(None, "created_at", "id"),
    Index(None, "state", "created_at"),
    Index(None, "submitted_by", "created_at"),
    Index(None, "pipeline", "created_at"),
    Index(None, "plan_hash"),
    Index(None, "tenant", "label", "created_at"),
    Index(None, "tenant", "created_at"),
    UniqueConstraint("open_key"),
)

stages = Table(
    "stages",
    metadata,
    Column("run_id", ID, nullable=False),
    Column("stage_id", NAME, nullable=False),
    Column("position", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("cache_key", DIGEST),
    Column("outputs", Text),
    Column("metrics", Text),
    Column("notes", Text),
    # Attempts up to this number were before a person resumed the run; they do not count against retries.
    Column("reopened_after", Integer, nullable=False, default=0),
    Column("started_at", Double),
    Column("finished_at", Double),
    PrimaryKeyConstraint("run_id", "stage_id"),
    ForeignKeyConstraint(["run_id"], ["runs.id"], ondelete="CASCADE"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("run_id", ID, nullable=False),
    Column("stage_id", NAME, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    # Why it is being stopped: 'cancelled' or 'timed-out'; empty while it may go on.
    Column("stop_reason", String(20), nullable=False, default=""),
    Column("requested_at", Double, nullable=False),
    Column("started_at", Double),
    Column("finished_at", Double),
    Column("failure", Text),
    Column("environment", Text),
    Column("peak_memory_bytes", BigInteger),
    Column("last_step", Integer),
    # The executor's cursor behind the last event that was written into the log.
    Column("events_cursor", BigInteger, nullable=False, default=0, server_default="0"),
    PrimaryKeyConstraint("run_id", "stage_id", "number"),
    ForeignKeyConstraint(["run_id", "stage_id"], ["stages.run_id", "stages.stage_id"], ondelete="CASCADE"),
    Index(None, "state"),
)

run_events = Table(
    "run_events",
    metadata,
    Column("run_id", ID, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("time", Double, nullable=False),
    Column("type", String(40), nullable=False),
    Column("stage_id", NAME),
    Column("attempt", Integer),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("run_id", "sequence"),
    ForeignKeyConstraint(["run_id"], ["runs.id"], ondelete="CASCADE"),
)

metric_points = Table(
    "metric_points",
    metadata,
    Column("run_id", ID, nullable=False),
    Column("stage_id", NAME, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("name", NAME, nullable=False),
    Column("step", Integer, nullable=False),
    Column("value", Double, nullable=False),
    Column("time", Double, nullable=False),
    PrimaryKeyConstraint("run_id", "stage_id", "attempt", "name", "step"),
    ForeignKeyConstraint(["run_id"], ["runs.id"], ondelete="CASCADE"),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("tenant", NAME, nullable=False, default="", server_default=""),
    Column("digest", DIGEST, nullable=False),
    Column("type", String(20), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("label", LABEL, nullable=False),
    Column("title", NAME, nullable=False),
    Column("run_id", ID),
    Column("stage_id", NAME),
    Column("created_at", Double, nullable=False),
    PrimaryKeyConstraint("tenant", "digest"),
    Index(None, "tenant", "label"),
    Index(None, "tenant", "created_at"),
    # Whoever has the same bytes.
    Index(None, "digest"),
)

edges = Table(
    "edges",
    metadata,
    Column("tenant", NAME, nullable=False, default="", server_default=""),
    Column("source", PLACE, nullable=False),
    Column("target", PLACE, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("run_id", ID, nullable=False),
    Column("created_at", Double, nullable=False),
    # What tells rows apart stands first: all of a ministry have the same tenant.
    PrimaryKeyConstraint("source", "tenant", "target", "kind"),
    Index(None, "target", "tenant"),
    Index(None, "run_id"),
)

nodes = Table(
    "nodes",
    metadata,
    Column("tenant", NAME, nullable=False, default="", server_default=""),
    Column("id", PLACE, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("title", String(500), nullable=False),
    Column("label", LABEL, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("id", "tenant"),
    Index(None, "tenant", "label"),
)

cache_entries = Table(
    "cache_entries",
    metadata,
    Column("tenant", NAME, nullable=False, default="", server_default=""),
    Column("key", DIGEST, nullable=False),
    Column("pipeline", NAME, nullable=False),
    # Whose stage made it: what that carries now counts. Of what nobody knows that of, nothing is taken.
    Column("run_id", ID),
    Column("stage_id", NAME, nullable=False),
    Column("parts", Text, nullable=False),
    Column("outputs", Text, nullable=False),
    Column("metrics", Text, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("created_at", Double, nullable=False),
    PrimaryKeyConstraint("tenant", "key"),
    Index(None, "tenant", "pipeline", "stage_id", "created_at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", ID, nullable=False),
    Column("body", Text, nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("done", Boolean, nullable=False, default=False),
    Column("error", Text, nullable=False, default=""),
    # True as well of items of which nobody said so: another version wrote them.
    Column("about_labels", Boolean, nullable=False, server_default=true()),
    Index(None, "done", "id"),
    Index(None, "about_labels", "done", "id"),
)

model_versions = Table(
    "model_versions",
    metadata,
    Column("tenant", NAME, nullable=False, default="", server_default=""),
    Column("name", NAME, nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", DIGEST, nullable=False),
    Column("label", LABEL, nullable=False),
    Column("use_class", String(60), nullable=False),
    Column("ministry", NAME, nullable=False),
    Column("run_id", ID, nullable=False),
    Column("stage_id", NAME, nullable=False),
    Column("title", NAME, nullable=False),
    Column("metrics", Text, nullable=False),
    Column("link", String(500), nullable=False),
    Column("created_at", Double, nullable=False),
    PrimaryKeyConstraint("tenant", "name", "version"),
    UniqueConstraint("run_id", "stage_id"),
    Index(None, "tenant", "digest"),
    Index(None, "tenant", "label"),
    # Of whichever ministry: a suspension and a permit reach what was made of it elsewhere.
    Index(None, "digest"),
    Index(None, "name", "version"),
    # Which ministries have a name.
    Index(None, "tenant", "name", "ministry"),
)

model_pages = Table(
    "model_pages",
    metadata,
    Column("tenant", NAME, nullable=False, default="", server_default=""),
    Column("digest", DIGEST, nullable=False),
    Column("pipeline", NAME, nullable=False),
    Column("path", String(500), nullable=False),
    PrimaryKeyConstraint("tenant", "digest", "pipeline"),
)

aliases = Table(
    "aliases",
    metadata,
    Column("tenant", NAME, nullable=False, default="", server_default=""),
    Column("name", NAME, nullable=False),
    Column("alias", NAME, nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("tenant", "name", "alias"),
)

dataset_versions = Table(
    "dataset_versions",
    metadata,
    Column("tenant", NAME, nullable=False, default="", server_default=""),
    Column("name", NAME, nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", DIGEST, nullable=False),
    Column("type", String(20), nullable=False),
    Column("label", LABEL, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("origin", String(1000), nullable=False),
    Column("created_at", Double, nullable=False),
    PrimaryKeyConstraint("tenant", "name", "version"),
    Index(None, "tenant", "digest"),
    Index(None, "tenant", "label"),
    Index(None, "digest"),
)

input_cache = Table(
    "input_cache",
    metadata,
    Column("tenant", NAME, nullable=False, default="", server_default=""),
    Column("location", String(1000), nullable=False),
    # Digest over path, size and modification time of every file: equal means that nothing was touched.
    Column("fingerprint", DIGEST, nullable=False),
    Column("digest", DIGEST, nullable=False),
    Column("size", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "location"),
)
