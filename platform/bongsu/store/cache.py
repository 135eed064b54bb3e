"""Which outputs are already there, and what a stage was made of the last time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, func, select

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.ids import Digest
from bongsu.planner.facts import EarlierWork
from bongsu.store.faults import readable
from bongsu.store.json_columns import refs_from, refs_json
from bongsu.store.schema import cache_entries, input_cache
from bongsu.store.upsert import put


@dataclass(frozen=True)
class CacheEntry:
    """The outputs of a stage, and what they were made of.

    Attributes:
        key: digest of ``parts``.
        pipeline, stage_id: where they were made.
        seconds: how long that took.
        created_at: seconds since the epoch.
    """

    key: Digest
    pipeline: str
    stage_id: str
    parts: Mapping[str, Any]
    outputs: Mapping[str, ArtifactRef]
    metrics: Mapping[str, float]
    seconds: float
    created_at: float


def find_work(connection: Connection, key: Digest) -> EarlierWork | None:
    """What ``key`` stands for, whether or not its outputs are still there."""
    row = connection.execute(select(cache_entries).where(cache_entries.c.key == key)).one_or_none()
    if row is None:
        return None
    with readable(connection, cache_entries, key):
        return EarlierWork(refs_from(row.outputs), json.loads(row.metrics))


def last_parts(connection: Connection, pipeline: str) -> dict[str, dict[str, Any]]:
    """What the newest entry of each stage was made of, to say why a key differs."""
    newest = (
        select(cache_entries.c.stage_id, func.max(cache_entries.c.created_at).label("created_at"))
        .where(cache_entries.c.pipeline == pipeline)
        .group_by(cache_entries.c.stage_id)
        .subquery()
    )
    is_newest = and_(
        cache_entries.c.stage_id == newest.c.stage_id, cache_entries.c.created_at == newest.c.created_at
    )
    query = (
        select(cache_entries.c.stage_id, cache_entries.c.parts)
        .join(newest, is_newest)
        .where(cache_entries.c.pipeline == pipeline)
    )
    found = {}
    for row in connection.execute(query):
        with readable(connection, cache_entries, f"{pipeline}/{row.stage_id}"):
            found[row.stage_id] = json.loads(row.parts)
    return found


def remember(connection: Connection, entry: CacheEntry) -> None:
    """Note the outputs of a stage, in place of those that were noted under its key before."""
    row = {
        "key": entry.key,
        "pipeline": entry.pipeline,
        "stage_id": entry.stage_id,
        "parts": json.dumps(dict(entry.parts), ensure_ascii=False, sort_keys=True),
        "outputs": refs_json(entry.outputs),
        "metrics": json.dumps(dict(entry.metrics)),
        "seconds": entry.seconds,
        "created_at": entry.created_at,
    }
    put(connection, cache_entries, row)


def usual_seconds(connection: Connection, pipeline: str) -> dict[str, float]:
    """How long each stage of a pipeline took on average, for estimates of the time left."""
    query = (
        select(cache_entries.c.stage_id, func.avg(cache_entries.c.seconds))
        .where(cache_entries.c.pipeline == pipeline)
        .group_by(cache_entries.c.stage_id)
    )
    return {row[0]: float(row[1]) for row in connection.execute(query)}


def known_input(connection: Connection, location: str, fingerprint: Digest) -> tuple[Digest, int] | None:
    """Digest and size of an input that was imported before and not touched since."""
    row = connection.execute(
        select(input_cache).where(input_cache.c.location == location, input_cache.c.fingerprint == fingerprint)
    ).one_or_none()
    return (Digest(row.digest), row.size) if row else None


def remember_input(connection: Connection, location: str, fingerprint: Digest, digest: Digest, size: int) -> None:
    row = {"location": location, "fingerprint": fingerprint, "digest": digest, "size": size}
    put(connection, input_cache, row)
