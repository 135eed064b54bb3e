"""What the logs of runs say of the GPUs that grants pay for.

The entries ``attempt-started`` and ``attempt-finished`` of a stage on GPUs name the grant, how many GPUs, and from when
until when the attempt held them. The ledger is booked from the same facts in the same transaction; a recount reads
nothing but these entries.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select

from bongsu.domain.grant_recount import Recount, UseEvent, recount
from bongsu.domain.grants import EntryKind, Held
from bongsu.domain.run import AttemptState
from bongsu.store.faults import readable
from bongsu.store.schema import attempts, metric_points, run_events
from bongsu.store.schema_grants import grant_entries

STARTED, FINISHED = "attempt-started", "attempt-finished"
_GRANT = "grant"


def admitted_body(grant_id: str, gpus: int, admitted_at: float) -> dict[str, Any]:
    """What the entry of an attempt that was admitted says of its GPUs."""
    return {_GRANT: grant_id, "gpus": gpus, "admittedAt": admitted_at}


def released_body(grant_id: str, held: Held) -> dict[str, Any]:
    """What the entry of an attempt that is over says of its GPUs."""
    return admitted_body(grant_id, held.gpus, held.admitted_at) | {"releasedAt": held.released_at}


def recount_of(connection: Connection, grant_id: str) -> Recount:
    """Everything that was recorded of a grant's GPUs, whichever run it was; this reads the logs of all runs."""
    query = (
        select(run_events)
        .where(
            run_events.c.type.in_((STARTED, FINISHED)), run_events.c.body.contains(f'"{grant_id}"', autoescape=True)
        )
        .order_by(run_events.c.run_id, run_events.c.sequence)
    )
    return recount(_events(connection, connection.execute(query), grant_id))


def held_now(connection: Connection, grant_id: str) -> Recount:
    """As :func:`recount_of`, of attempts that run now and of nothing else: a small query."""
    running = and_(
        attempts.c.run_id == run_events.c.run_id,
        attempts.c.stage_id == run_events.c.stage_id,
        attempts.c.number == run_events.c.attempt,
    )
    paid = select(grant_entries.c.run_id).where(
        grant_entries.c.grant_id == grant_id, grant_entries.c.kind == EntryKind.RESERVED.value
    )
    query = (
        select(run_events)
        .join(attempts, running)
        .where(
            attempts.c.state == AttemptState.RUNNING.value,
            attempts.c.run_id.in_(paid),
            run_events.c.type == STARTED,
        )
    )
    return recount(_events(connection, connection.execute(query), grant_id))


def last_signs(connection: Connection, held: Mapping[str, UseEvent]) -> dict[str, float]:
    """When each of these attempts was last heard of: an entry of its run's log that is its own, or a metric."""
    signs = {}
    for key, event in held.items():
        _run, stage, number = key.rsplit("/", 2)
        entries = select(func.max(run_events.c.time)).where(
            run_events.c.run_id == event.run_id, run_events.c.stage_id == stage, run_events.c.attempt == int(number)
        )
        points = select(func.max(metric_points.c.time)).where(
            metric_points.c.run_id == event.run_id,
            metric_points.c.stage_id == stage,
            metric_points.c.attempt == int(number),
        )
        times = [connection.execute(query).scalar() for query in (entries, points)]
        signs[key] = max((time for time in times if time is not None), default=event.admitted_at)
    return signs


def _events(connection: Connection, rows: Iterable[Row[Any]], grant_id: str) -> Iterable[UseEvent]:
    for row in rows:
        with readable(connection, run_events, f"{row.run_id}/{row.sequence}"):
            body = json.loads(row.body)
            if body.get(_GRANT) != grant_id:
                continue  # its name stands there as a part of something else
            yield UseEvent(
                run_id=row.run_id,
                attempt=f"{row.run_id}/{row.stage_id}/{row.attempt}",
                gpus=int(body["gpus"]),
                admitted_at=float(body["admittedAt"]),
                released_at=None if row.type == STARTED else float(body["releasedAt"]),
            )
