"""What happened in a run: its event log and its metrics by step."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, insert, or_, select

from bongsu.domain.ids import AttemptId, RunId
from bongsu.domain.paging import WHOLE, PageRequest
from bongsu.store.faults import readable
from bongsu.store.listing import Listing, Step, columns
from bongsu.store.records import EventRecord
from bongsu.store.schema import metric_points, run_events
from bongsu.store.upsert import insert_absent

# Type of the entries that say that a process took a run up, and that it let go of it.
DRIVING = "driving"
EVENTS = Listing(
    (Step(run_events.c.sequence),),
    columns(run_events, "sequence", "type", "stageId", "attempt") | {"recordedAt": run_events.c.time},
)
_LONGEST_NAME = 200


@dataclass(frozen=True)
class NewEvent:
    """An entry to be: what happened (``type``), to which stage and attempt, and what else there is to say."""

    type: str
    stage_id: str | None = None
    attempt: int | None = None
    body: dict[str, Any] = field(default_factory=dict)


def append_events(connection: Connection, run_id: RunId, time: float, found: Sequence[NewEvent]) -> None:
    """More entries of the log of a run whose version the caller has claimed; numbers grow without gaps."""
    if not found:
        return
    last = connection.execute(
        select(func.coalesce(func.max(run_events.c.sequence), 0)).where(run_events.c.run_id == run_id)
    ).scalar_one()
    rows = [
        {
            "run_id": run_id,
            "sequence": last + 1 + place,
            "time": time,
            "type": event.type,
            "stage_id": event.stage_id,
            "attempt": event.attempt,
            "body": json.dumps(event.body, ensure_ascii=False),
        }
        for place, event in enumerate(found)
    ]
    connection.execute(insert(run_events), rows)


def events_of(connection: Connection, run_id: str, wanted: PageRequest = WHOLE) -> list[EventRecord]:
    """Entries of a run's log in the order of their numbers."""
    query = EVENTS.page(select(run_events).where(run_events.c.run_id == run_id), wanted)
    with readable(connection, run_events, run_id):
        rows = connection.execute(query)
        return [
            EventRecord(
                row.run_id, row.sequence, row.time, row.type, row.stage_id, row.attempt, json.loads(row.body)
            )
            for row in rows
        ]


_TAKEN_UP = and_(run_events.c.type == DRIVING, run_events.c.body.contains('"begins"'))
_REOPENED = and_(run_events.c.type == "run", run_events.c.body.contains('"resumed"'))
_BEGINNINGS = (
    select(run_events.c.run_id, run_events.c.sequence, run_events.c.time)
    .where(run_events.c.run_id.in_(bindparam("runs", expanding=True)), or_(_TAKEN_UP, _REOPENED))
    .order_by(run_events.c.run_id, run_events.c.sequence)
)


def beginnings_of(connection: Connection, run_ids: Sequence[str]) -> dict[str, list[tuple[int, float]]]:
    """Sequence and time of the entries with which work on each run began: it was taken up, or reopened by a resume."""
    found: dict[str, list[tuple[int, float]]] = {}
    for run_id, sequence, time in connection.execute(_BEGINNINGS, {"runs": list(run_ids)}):
        found.setdefault(run_id, []).append((sequence, time))
    return found


def last_state_entry(connection: Connection, run_id: str, state: str) -> dict[str, Any]:
    """What the log said when the run last came to this state; empty if it never did."""
    query = (
        select(run_events.c.body)
        .where(run_events.c.run_id == run_id, run_events.c.type == "run", run_events.c.body.contains(f'"{state}"'))
        .order_by(run_events.c.sequence.desc())
        .limit(1)
    )
    with readable(connection, run_events, run_id):
        found: dict[str, Any] = json.loads(connection.execute(query).scalar() or "{}")
        return found


def last_sign_of_life(connection: Connection, run_id: str, before: tuple[int, float] | None = None) -> float | None:
    """When a stage, an attempt or a metric was last heard of; before an entry (sequence, time) if one is given.

    What people ask for from elsewhere, such as a cancellation, is no sign that the run was worked on.
    """
    events = select(func.max(run_events.c.time)).where(run_events.c.run_id == run_id, run_events.c.type != "run")
    points = select(func.max(metric_points.c.time)).where(metric_points.c.run_id == run_id)
    if before is not None:
        events = events.where(run_events.c.sequence < before[0])
        points = points.where(metric_points.c.time < before[1])
    times = [connection.execute(query).scalar() for query in (events, points)]
    return max((time for time in times if time is not None), default=None)


def add_metric_points(
    connection: Connection, attempt: AttemptId, points: Iterable[tuple[str, int, float, float]]
) -> None:
    """Points (name, step, value, time) of an attempt; a step that it has already keeps its first value. Names that are
    longer than a column are left out, as no curve can be told by them."""
    its_own = {"run_id": attempt.run_id, "stage_id": attempt.stage_id, "attempt": attempt.number}
    rows = {
        (name, step): its_own | {"name": name, "step": step, "value": value, "time": time}
        for name, step, value, time in points
        if len(name) <= _LONGEST_NAME
    }
    insert_absent(connection, metric_points, *rows.values())


def metric_points_of(
    connection: Connection, run_id: str, stage_id: str | None = None
) -> list[tuple[str, str, int, float, float]]:
    """(stage, name, step, value, time), by stage, name and step: the curves of what the stages came to.

    An attempt goes on from a checkpoint, or begins anew. From the first step that it tells, its points hold, and not
    those of the attempts before it.
    """
    columns = metric_points.c
    query = select(columns.stage_id, columns.name, columns.step, columns.value, columns.time).where(
        columns.run_id == run_id
    )
    if stage_id:
        query = query.where(columns.stage_id == stage_id)
    backwards = query.order_by(
        columns.stage_id.desc(), columns.name.desc(), columns.attempt.desc(), columns.step.desc()
    )
    curves: list[tuple[str, str, int, float, float]] = []
    for row in connection.execute(backwards):
        if not curves or (row.stage_id, row.name) != curves[-1][:2] or row.step < curves[-1][2]:
            curves.append(tuple(row))
    return curves[::-1]
