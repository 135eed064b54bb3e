"""Runs, their stages and their attempts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, and_, func, insert, select, update

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.attempt import AttemptResult, Failure
from bongsu.domain.codes import run as codes
from bongsu.domain.ids import AttemptId, Digest, RunId, StageId
from bongsu.domain.plan import RunPlan
from bongsu.domain.run import STAGE_MOVES, AttemptState, RunState, StageState
from bongsu.store.records import AttemptRecord, RunRecord, StageRecord
from bongsu.store.schema import attempts, runs, stages

_REFS: TypeAdapter[dict[str, ArtifactRef]] = TypeAdapter(dict[str, ArtifactRef])
_LIVE = (AttemptState.REQUESTED.value, AttemptState.RUNNING.value)
_ACTIVE = (RunState.PENDING.value, RunState.RUNNING.value, RunState.CANCELLING.value)
_RUN_COLUMNS = [column for column in runs.columns if column.name != "plan"]


def refs_json(refs: dict[str, ArtifactRef]) -> str:
    return _REFS.dump_json(refs).decode()


def refs_from(text: str | None) -> dict[str, ArtifactRef]:
    return _REFS.validate_json(text) if text else {}


# -- runs ------------------------------------------------------------------------------------------------------


def create_run(connection: Connection, run_id: RunId, plan: RunPlan, now: float) -> None:
    """Record a run and all its stages; the caller's transaction makes it one act."""
    connection.execute(
        insert(runs).values(
            id=run_id,
            pipeline=plan.metadata.name,
            ministry=plan.metadata.ministry,
            plan_hash=plan.hash,
            plan=plan.model_dump_json(by_alias=True),
            state=RunState.PENDING.value,
            label=str(plan.label),
            use_class=plan.purpose.use_class.value,
            created_at=now,
            version=0,
        )
    )
    rows = [
        {"run_id": run_id, "stage_id": s.id, "position": n, "state": StageState.WAITING.value, "reason": ""}
        for n, s in enumerate(plan.stages)
    ]
    connection.execute(insert(stages), rows)


def get_plan(connection: Connection, run_id: str) -> RunPlan:
    text = connection.execute(select(runs.c.plan).where(runs.c.id == run_id)).scalar_one()
    return RunPlan.model_validate_json(text)


def get_run(connection: Connection, run_id: str) -> RunRecord:
    """Raises ``run.unknown``."""
    row = connection.execute(select(*_RUN_COLUMNS).where(runs.c.id == run_id)).one_or_none()
    if row is None:
        raise codes.UNKNOWN_RUN.error(run=run_id)
    return _run(row)


def find_run(connection: Connection, text: str) -> RunRecord:
    """The run whose id is or begins with ``text``; ``latest`` is the newest. Raises ``run.unknown`` or
    ``run.ambiguous``."""
    newest_first = select(*_RUN_COLUMNS).order_by(runs.c.created_at.desc(), runs.c.id.desc())
    if text == "latest":
        query = newest_first.limit(1)
    else:
        query = newest_first.where(runs.c.id.startswith(text, autoescape=True)).limit(5)
    rows = connection.execute(query).all()
    exact = [row for row in rows if row.id == text]
    if not rows:
        raise codes.UNKNOWN_RUN.error(run=text)
    if len(rows) > 1 and not exact:
        raise codes.AMBIGUOUS_RUN.error(run=text, found=", ".join(row.id for row in rows))
    return _run((exact or rows)[0])


def list_runs(
    connection: Connection, states: Sequence[RunState] = (), pipeline: str | None = None, limit: int = 50
) -> list[RunRecord]:
    """Newest first."""
    query = select(*_RUN_COLUMNS).order_by(runs.c.created_at.desc(), runs.c.id.desc()).limit(limit)
    if states:
        query = query.where(runs.c.state.in_([state.value for state in states]))
    if pipeline:
        query = query.where(runs.c.pipeline == pipeline)
    return [_run(row) for row in connection.execute(query)]


def active_runs(connection: Connection) -> list[RunRecord]:
    """Runs that are not finished, oldest first."""
    query = select(*_RUN_COLUMNS).where(runs.c.state.in_(_ACTIVE)).order_by(runs.c.created_at, runs.c.id)
    return [_run(row) for row in connection.execute(query)]


def unfinished_run_of(connection: Connection, plan_hash: Digest) -> RunRecord | None:
    """The newest run of this plan that did not succeed and was not superseded by a success."""
    query = select(*_RUN_COLUMNS).where(runs.c.plan_hash == plan_hash).order_by(runs.c.created_at.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    if row is None or row.state == RunState.SUCCEEDED.value:
        return None
    return _run(row)


def set_run_state(connection: Connection, run_id: RunId, state: RunState, now: float) -> None:
    values: dict[str, Any] = {"state": state.value, "version": runs.c.version + 1}
    if state is RunState.RUNNING:
        values |= {"started_at": func.coalesce(runs.c.started_at, now), "finished_at": None}
    if state.is_final:
        values["finished_at"] = now
    connection.execute(update(runs).where(runs.c.id == run_id).values(**values))


# -- stages ----------------------------------------------------------------------------------------------------


def stages_of(connection: Connection, run_id: str) -> list[StageRecord]:
    """In the plan's order."""
    query = select(stages).where(stages.c.run_id == run_id).order_by(stages.c.position)
    return [_stage(row) for row in connection.execute(query)]


def move_stage(
    connection: Connection,
    record: StageRecord,
    state: StageState,
    now: float,
    reason: str = "",
) -> None:
    """Change a stage's state along an allowed move; raises ``run.invalid-move`` on any other, or if the stage is
    no longer where ``record`` saw it."""
    if state not in STAGE_MOVES[record.state]:
        raise codes.INVALID_MOVE.error(stage=record.stage_id, old=record.state.value, new=state.value)
    values: dict[str, Any] = {"state": state.value, "reason": reason}
    if state is StageState.RUNNING:
        values["started_at"] = func.coalesce(stages.c.started_at, now)
    if state.is_final:
        values["finished_at"] = now
    if state is StageState.WAITING:
        values |= {"finished_at": None, "started_at": None}
    done = connection.execute(
        update(stages).where(_is_stage(record)).where(stages.c.state == record.state.value).values(**values)
    )
    if done.rowcount != 1:
        raise codes.INVALID_MOVE.error(stage=record.stage_id, old=f"not {record.state.value}", new=state.value)


def set_outputs(
    connection: Connection,
    record: StageRecord,
    outputs: dict[str, ArtifactRef],
    metrics: dict[str, float],
    cache_key: Digest | None,
) -> None:
    connection.execute(
        update(stages)
        .where(_is_stage(record))
        .values(outputs=refs_json(outputs), metrics=json.dumps(metrics), cache_key=cache_key)
    )


def _is_stage(record: StageRecord) -> Any:
    return and_(stages.c.run_id == record.run_id, stages.c.stage_id == record.stage_id)


# -- attempts --------------------------------------------------------------------------------------------------


def attempts_of(connection: Connection, run_id: str) -> list[AttemptRecord]:
    query = (
        select(attempts)
        .where(attempts.c.run_id == run_id)
        .order_by(attempts.c.requested_at, attempts.c.stage_id, attempts.c.number)
    )
    return [_attempt(row) for row in connection.execute(query)]


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
    connection.execute(
        update(attempts)
        .where(_is_attempt(attempt))
        .where(attempts.c.state.in_(_LIVE))
        .values(state=AttemptState.RUNNING.value, started_at=started_at)
    )


def ask_to_stop(connection: Connection, attempt: AttemptId, reason: str) -> None:
    connection.execute(update(attempts).where(_is_attempt(attempt)).values(stop_reason=reason))


def finish_attempt(
    connection: Connection,
    attempt: AttemptId,
    state: AttemptState,
    now: float,
    outcome: AttemptResult | Failure | None,
) -> None:
    values: dict[str, Any] = {"state": state.value, "finished_at": now}
    if isinstance(outcome, AttemptResult):
        values |= {
            "environment": json.dumps(outcome.environment),
            "peak_memory_bytes": outcome.peak_memory_bytes,
            "started_at": outcome.started_at.timestamp(),
            "finished_at": outcome.finished_at.timestamp(),
        }
    elif outcome is not None:
        values["failure"] = outcome.model_dump_json()
    connection.execute(
        update(attempts).where(_is_attempt(attempt)).where(attempts.c.state.in_(_LIVE)).values(**values)
    )


def _is_attempt(attempt: AttemptId) -> Any:
    return and_(
        attempts.c.run_id == attempt.run_id,
        attempts.c.stage_id == attempt.stage_id,
        attempts.c.number == attempt.number,
    )


# -- rows to records -------------------------------------------------------------------------------------------


def _run(row: Row[Any]) -> RunRecord:
    values = dict(row._mapping)
    return RunRecord(**values | {"state": RunState(values["state"])})


def _stage(row: Row[Any]) -> StageRecord:
    return StageRecord(
        run_id=RunId(row.run_id),
        stage_id=StageId(row.stage_id),
        position=row.position,
        state=StageState(row.state),
        reason=row.reason,
        cache_key=row.cache_key,
        outputs=refs_from(row.outputs),
        metrics=json.loads(row.metrics) if row.metrics else {},
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def _attempt(row: Row[Any]) -> AttemptRecord:
    return AttemptRecord(
        id=AttemptId(run_id=row.run_id, stage_id=row.stage_id, number=row.number),
        state=AttemptState(row.state),
        stop_reason=row.stop_reason,
        requested_at=row.requested_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        failure=Failure.model_validate_json(row.failure) if row.failure else None,
        environment=json.loads(row.environment) if row.environment else {},
        peak_memory_bytes=row.peak_memory_bytes,
        last_step=row.last_step,
    )
