"""What happened in a run: its event log and its metrics by step."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, func, insert, select

from bongsu.domain.ids import RunId
from bongsu.store.records import EventRecord
from bongsu.store.schema import metric_points, run_events


def append_event(
    connection: Connection,
    run_id: RunId,
    time: float,
    type_: str,
    stage_id: str | None = None,
    attempt: int | None = None,
    **body: Any,
) -> None:
    """One more entry of the run's log; numbers grow without gaps within a run."""
    last = connection.execute(
        select(func.coalesce(func.max(run_events.c.sequence), 0)).where(run_events.c.run_id == run_id)
    ).scalar_one()
    connection.execute(
        insert(run_events).values(
            run_id=run_id,
            sequence=last + 1,
            time=time,
            type=type_,
            stage_id=stage_id,
            attempt=attempt,
            body=json.dumps(body, ensure_ascii=False),
        )
    )


def events_of(connection: Connection, run_id: str, after: int = 0) -> list[EventRecord]:
    query = (
        select(run_events)
        .where(run_events.c.run_id == run_id, run_events.c.sequence > after)
        .order_by(run_events.c.sequence)
    )
    return [EventRecord(**dict(row._mapping) | {"body": json.loads(row.body)}) for row in connection.execute(query)]


def add_metric_points(
    connection: Connection, run_id: str, stage_id: str, points: Iterable[tuple[str, int, float, float]]
) -> None:
    """Points (name, step, value, time); a step that is there already keeps its first value."""
    known = {
        (row.name, row.step)
        for row in connection.execute(
            select(metric_points.c.name, metric_points.c.step).where(
                metric_points.c.run_id == run_id, metric_points.c.stage_id == stage_id
            )
        )
    }
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    for name, step, value, time in points:
        if (name, step) not in known:
            rows[name, step] = {
                "run_id": run_id,
                "stage_id": stage_id,
                "name": name,
                "step": step,
                "value": value,
                "time": time,
            }
    if rows:
        connection.execute(insert(metric_points), list(rows.values()))


def metric_points_of(
    connection: Connection, run_id: str, stage_id: str | None = None
) -> list[tuple[str, str, int, float, float]]:
    """(stage, name, step, value, time), by stage, name and step."""
    query = select(
        metric_points.c.stage_id,
        metric_points.c.name,
        metric_points.c.step,
        metric_points.c.value,
        metric_points.c.time,
    ).where(metric_points.c.run_id == run_id)
    if stage_id:
        query = query.where(metric_points.c.stage_id == stage_id)
    ordered = query.order_by(metric_points.c.stage_id, metric_points.c.name, metric_points.c.step)
    return [tuple(row) for row in connection.execute(ordered)]
