"""Attempts at stages: asked for, started, over."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, insert, select, update

from bongsu.domain.attempt import AttemptResult, Failure
from bongsu.domain.codes import run as codes
from bongsu.domain.ids import AttemptId, RunId, StageId
from bongsu.domain.run import ATTEMPT_MOVES, AttemptState, StopReason
from bongsu.domain.tokens import LiveAttempt
from bongsu.store.faults import readable
from bongsu.store.json_columns import from_json, to_json
from bongsu.store.records import AttemptRecord
from bongsu.store.schema import attempts

_LIVE = tuple(state.value for state in AttemptState if not state.is_final)
_OF_RUN = (
    select(attempts).where(attempts.c.run_id == bindparam("run")).order_by(attempts.c.stage_id, attempts.c.number)
)


def attempts_of(
    connection: Connection, run_id: str, only: Collection[StageId] | None = None
) -> list[AttemptRecord]:
    """All of a run, or those at ``only`` these stages, each stage's in the order of their numbers."""
    query = _OF_RUN if only is None else _OF_RUN.where(attempts.c.stage_id.in_(only))
    return [_attempt(connection, row) for row in connection.execute(query, {"run": run_id})]


def find_live(connection: Connection, attempt: AttemptId) -> LiveAttempt | None:
    """The attempt while it is asked for or under way."""
    query = select(attempts.c.started_at).where(_is_attempt(attempt), attempts.c.state.in_(_LIVE))
    row = connection.execute(query).one_or_none()
    return None if row is None else LiveAttempt(row.started_at)


def request_attempt(connection: Connection, attempt: AttemptId, now: float) -> None:
    connection.execute(
        insert(attempts).values(
            run_id=attempt.run_id,
            stage_id=attempt.stage_id,
            number=attempt.number,
            state=AttemptState.REQUESTED.value,
            stop_reason="",
            requested_at=now,
        )
    )


def mark_started(connection: Connection, attempt: AttemptId, started_at: float) -> None:
    """Raises ``run.invalid-move`` if it has started already, or is over."""
    _change(connection, attempt, {"started_at": started_at}, AttemptState.RUNNING)


def ask_to_stop(connection: Connection, attempt: AttemptId, reason: StopReason) -> None:
    _change(connection, attempt, {"stop_reason": reason.value})


def note_progress(connection: Connection, attempt: AttemptId, step: int | None, cursor: int) -> None:
    """The step up to which the attempt's work is safe, or is known to have come (None leaves it as it is), and the
    cursor behind the last event that is in the log."""
    values = {"events_cursor": cursor} | ({} if step is None else {"last_step": step})
    connection.execute(update(attempts).where(_is_attempt(attempt)).values(**values))


def finish_attempt(
    connection: Connection,
    attempt: AttemptId,
    state: AttemptState,
    now: float,
    outcome: AttemptResult | Failure | None,
) -> None:
    """End an attempt. Raises ``run.invalid-move`` if it is over already: nothing completes twice."""
    values: dict[str, Any] = {"finished_at": now}
    if isinstance(outcome, AttemptResult):
        values |= {
            "environment": to_json(outcome.environment),
            "peak_memory_bytes": outcome.peak_memory_bytes,
            "started_at": outcome.started_at.timestamp(),
            "finished_at": outcome.finished_at.timestamp(),
        }
    elif outcome is not None:
        values |= {"failure": outcome.model_dump_json(), "peak_memory_bytes": outcome.peak_memory_bytes}
    _change(connection, attempt, values, state)


def _change(
    connection: Connection, attempt: AttemptId, values: dict[str, Any], new: AttemptState | None = None
) -> None:
    """Change an attempt, and its state if ``new`` is given; the state that it has must allow that."""
    allowed = _LIVE if new is None else [old.value for old, moves in ATTEMPT_MOVES.items() if new in moves]
    moved = values if new is None else values | {"state": new.value}
    done = connection.execute(
        update(attempts).where(_is_attempt(attempt)).where(attempts.c.state.in_(allowed)).values(**moved)
    )
    if done.rowcount != 1:
        old = connection.execute(select(attempts.c.state).where(_is_attempt(attempt))).scalar() or "unknown"
        raise codes.INVALID_MOVE.error(subject=f"attempt {attempt.key}", old=old, new=new or "stopping")


def _is_attempt(attempt: AttemptId) -> Any:
    return and_(
        attempts.c.run_id == attempt.run_id,
        attempts.c.stage_id == attempt.stage_id,
        attempts.c.number == attempt.number,
    )


def _attempt(connection: Connection, row: Row[Any]) -> AttemptRecord:
    with readable(connection, attempts, f"{row.run_id}/{row.stage_id}/{row.number}"):
        return AttemptRecord(
            run_id=RunId(row.run_id),
            stage_id=StageId(row.stage_id),
            number=row.number,
            state=AttemptState(row.state),
            stop_reason=StopReason(row.stop_reason) if row.stop_reason else None,
            requested_at=row.requested_at,
            started_at=row.started_at,
            finished_at=row.finished_at,
            failure=Failure.model_validate_json(row.failure) if row.failure else None,
            environment=from_json(row.environment),
            peak_memory_bytes=row.peak_memory_bytes,
            last_step=row.last_step,
            events_cursor=row.events_cursor,
        )
