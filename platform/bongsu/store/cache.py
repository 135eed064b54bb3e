"""Which outputs are already there, and what a stage was made of the last time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, ColumnElement, Connection, Subquery, Text, and_, cast, func, select

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.ids import Digest, RunId
from bongsu.domain.labels import OPEN, Label, high_water_mark
from bongsu.planner.facts import EarlierWork
from bongsu.store.faults import readable
from bongsu.store.json_columns import refs_from, refs_json
from bongsu.store.label_telling import tree_labels
from bongsu.store.node_ids import stage_node
from bongsu.store.portions import portions
from bongsu.store.schema import cache_entries, input_cache, nodes, runs
from bongsu.store.scope import owned, sees, tenant_of, visible
from bongsu.store.upsert import put

AVERAGED = 100
LOOKED_AT = 1000


@dataclass(frozen=True)
class CacheEntry:
    """The outputs of a stage, and what they were made of.

    Attributes:
        key: digest of ``parts``.
        pipeline, run_id, stage_id: where they were made.
        seconds: how long that took.
        created_at: seconds since the epoch.
    """

    key: Digest
    pipeline: str
    run_id: RunId
    stage_id: str
    parts: Mapping[str, Any]
    outputs: Mapping[str, ArtifactRef]
    metrics: Mapping[str, float]
    seconds: float
    created_at: float


def find_work(connection: Connection, key: Digest) -> EarlierWork | None:
    """What ``key`` stands for, whether or not its outputs are still there. Its labels are those that count now: what
    the outputs were made under, and whatever these bytes and the stage that made them rose to since. None for who may
    not see that, and of work of which nobody knows who did it."""
    row = connection.execute(select(cache_entries).where(_is_key(connection, key))).one_or_none()
    made_under = _label_of_maker(connection, row.run_id, row.stage_id) if row is not None else None
    if row is None or made_under is None:
        return None
    with readable(connection, cache_entries, key):
        outputs, metrics = refs_from(row.outputs), json.loads(row.metrics)
    known = tree_labels(connection, (ref.digest for ref in outputs.values()))
    labels = {name: ref.label.join(known.get(ref.digest, OPEN)) for name, ref in outputs.items()}
    if not sees(connection, str(high_water_mark(labels.values(), made_under))):
        return None
    now = {name: ref.model_copy(update={"label": labels[name]}) for name, ref in outputs.items()}
    return EarlierWork(now, metrics, made_under)


def last_parts(connection: Connection, pipeline: str) -> dict[str, dict[str, Any]]:
    """What the newest entry of each stage was made of, to say why a key differs; of runs that who reads may see, among
    the newest :data:`LOOKED_AT` entries of the stage."""
    found = _stages_with_entries(connection, pipeline)
    recent = _newest(connection, pipeline, found, LOOKED_AT)
    is_seen = and_(runs.c.id == recent.c.run_id, visible(connection, runs))
    seen = select(recent.c.key).join(runs, is_seen).order_by(recent.c.created_at.desc()).limit(1)
    query = select(found.c.stage_id, seen.correlate(found).scalar_subquery().label("key"))
    keys = [row.key for row in connection.execute(query.where(found.c.stage_id.is_not(None))) if row.key]
    of_entries = select(cache_entries.c.stage_id, cache_entries.c.parts).where(owned(connection, cache_entries))
    parts = {}
    for some in portions(keys):
        for row in connection.execute(of_entries.where(cache_entries.c.key.in_(some))):
            with readable(connection, cache_entries, f"{pipeline}/{row.stage_id}"):
                parts[row.stage_id] = json.loads(row.parts)
    return parts


def remember(connection: Connection, entry: CacheEntry) -> None:
    """Note the outputs of a stage, in place of those that were noted under its key before."""
    row = {
        "tenant": tenant_of(connection),
        "key": entry.key,
        "pipeline": entry.pipeline,
        "run_id": entry.run_id,
        "stage_id": entry.stage_id,
        "parts": json.dumps(dict(entry.parts), ensure_ascii=False, sort_keys=True),
        "outputs": refs_json(entry.outputs),
        "metrics": json.dumps(dict(entry.metrics)),
        "seconds": entry.seconds,
        "created_at": entry.created_at,
    }
    put(connection, cache_entries, row)


def usual_seconds(connection: Connection, pipeline: str) -> dict[str, float]:
    """How long each stage of a pipeline took, for estimates of the time left: the average of its newest
    :data:`AVERAGED` entries, so that neither years of runs are read nor what took its time years ago counts."""
    found = _stages_with_entries(connection, pipeline)
    recent = _newest(connection, pipeline, found, AVERAGED)
    average = select(func.avg(recent.c.seconds)).correlate(found).scalar_subquery()
    query = select(found.c.stage_id, average.label("seconds")).where(found.c.stage_id.is_not(None))
    return {row.stage_id: float(row.seconds) for row in connection.execute(query)}


def known_input(connection: Connection, location: str, fingerprint: Digest) -> tuple[Digest, int] | None:
    """Digest and size of an input that was imported before and not touched since."""
    is_same = and_(_is_at(connection, location), input_cache.c.fingerprint == fingerprint)
    row = connection.execute(select(input_cache).where(is_same)).one_or_none()
    return (Digest(row.digest), row.size) if row else None


def remember_input(connection: Connection, location: str, fingerprint: Digest, digest: Digest, size: int) -> None:
    row = {"location": location, "fingerprint": fingerprint, "digest": digest, "size": size}
    put(connection, input_cache, {"tenant": tenant_of(connection), **row})


def _stages_with_entries(connection: Connection, pipeline: str) -> CTE:
    """Stages of which there are entries, and a NULL: each is found by one look into the index, behind the one before
    it, however many entries there are."""
    names = select(func.min(cache_entries.c.stage_id)).where(_is_of(connection, pipeline))
    begin = select(cast(names.scalar_subquery(), Text).label("stage_id")).cte("found", recursive=True)
    behind = names.where(cache_entries.c.stage_id > begin.c.stage_id).scalar_subquery()
    return begin.union_all(select(cast(behind, Text)).where(begin.c.stage_id.is_not(None)))


def _newest(connection: Connection, pipeline: str, found: CTE, most: int) -> Subquery:
    """So many entries of a stage of ``found``, as the index has them: newest first."""
    c = cache_entries.c
    of_stage = and_(_is_of(connection, pipeline), c.stage_id == found.c.stage_id)
    query = select(c.key, c.run_id, c.seconds, c.created_at).where(of_stage).order_by(c.created_at.desc())
    return query.limit(most).correlate(found).subquery()


def _is_of(connection: Connection, pipeline: str) -> ColumnElement[bool]:
    return and_(owned(connection, cache_entries), cache_entries.c.pipeline == pipeline)


def _label_of_maker(connection: Connection, run_id: str | None, stage_id: str) -> Label | None:
    """What the stage that made an entry carries now; None of one that is not known."""
    if run_id is None:
        return None
    is_it = and_(owned(connection, nodes), nodes.c.id == stage_node(run_id, stage_id))
    label = connection.execute(select(nodes.c.label).where(is_it)).scalar()
    return Label.parse(label) if label is not None else None


def _is_key(connection: Connection, key: Digest) -> ColumnElement[bool]:
    return and_(owned(connection, cache_entries), cache_entries.c.key == key)


def _is_at(connection: Connection, location: str) -> ColumnElement[bool]:
    return and_(owned(connection, input_cache), input_cache.c.location == location)
