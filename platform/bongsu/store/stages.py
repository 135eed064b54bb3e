"""Stages of runs: where each one stands, and what it gave."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, func, select, update

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.codes import run as codes
from bongsu.domain.ids import Digest, RunId, StageId
from bongsu.domain.phrases import Words
from bongsu.domain.run import STAGE_MOVES, StageState
from bongsu.store.faults import readable
from bongsu.store.json_columns import from_json, refs_from, refs_json, to_json, words_from, words_text
from bongsu.store.portions import portions
from bongsu.store.records import StageRecord
from bongsu.store.schema import runs, stages
from bongsu.store.scope import visible

_OF_RUN = select(stages).where(stages.c.run_id == bindparam("run")).order_by(stages.c.position)


@dataclass(frozen=True)
class StageOutcome:
    """What a stage gave: trees by output name, final figures, short facts, and the key under which it is cached."""

    outputs: Mapping[str, ArtifactRef]
    metrics: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    cache_key: Digest | None = None


@dataclass(frozen=True)
class StageMove:
    """A change of a stage's state.

    Attributes:
        old, new: the state it is in, and the one it is to be in.
        at: seconds since the epoch.
        reason: for a person; empty where there is nothing to explain.
    """

    run_id: RunId
    stage_id: StageId
    old: StageState
    new: StageState
    at: float
    reason: Words = ""


def stages_of(connection: Connection, run_id: str, only: Collection[StageId] | None = None) -> list[StageRecord]:
    """All of a run, or ``only`` these, in the plan's order."""
    query = _OF_RUN if only is None else _OF_RUN.where(stages.c.stage_id.in_(only))
    return [_stage(connection, row) for row in connection.execute(query, {"run": run_id})]


def makers_of(connection: Connection, taken: Mapping[Digest, float]) -> dict[Digest, StageRecord]:
    """The stage, in whatever run, whose work was taken from the cache: the last that had done it then.

    Args:
        taken: when the outputs were taken, by the cache key that they stood under.
    """
    found: dict[Digest, StageRecord] = {}
    for keys in portions(list(taken)):
        wanted = stages.c.cache_key.in_(keys)
        made = select(stages).join(runs, runs.c.id == stages.c.run_id).where(visible(connection, runs))
        query = made.where(wanted, stages.c.state == StageState.SUCCEEDED.value)
        for row in connection.execute(query.order_by(stages.c.finished_at)):
            key = Digest(row.cache_key)
            if row.finished_at <= taken[key] or key not in found:
                found[key] = _stage(connection, row)
    return found


def move_stage(connection: Connection, move: StageMove) -> None:
    """Change a stage's state.

    Raises:
        BongsuError: ``run.invalid-move`` for a move that is not allowed, or from a state that no longer holds.
    """
    old, new = move.old, move.new
    if new not in STAGE_MOVES[old]:
        raise codes.INVALID_MOVE.error(subject=f"stage {move.stage_id}", old=old.value, new=new.value)
    values: dict[str, Any] = {"state": new.value, "reason": words_text(move.reason)}
    if new is StageState.RUNNING:
        values["started_at"] = func.coalesce(stages.c.started_at, move.at)
    if new.is_final:
        values["finished_at"] = move.at
    if new is StageState.WAITING:
        values |= {"finished_at": None, "started_at": None}
    is_there = and_(_is_stage(move.run_id, move.stage_id), stages.c.state == old.value)
    done = connection.execute(update(stages).where(is_there).values(**values))
    if done.rowcount != 1:
        raise codes.INVALID_MOVE.error(subject=f"stage {move.stage_id}", old=f"not {old.value}", new=new.value)


def reopen_stage(connection: Connection, record: StageRecord, attempts_before: int, now: float) -> None:
    """Let a stage that did not succeed begin anew; earlier attempts no longer count against its retries."""
    move_stage(connection, StageMove(record.run_id, record.stage_id, record.state, StageState.WAITING, now))
    connection.execute(
        update(stages)
        .where(_is_stage(record.run_id, record.stage_id))
        .values(reopened_after=attempts_before, outputs=None, metrics=None, notes=None, cache_key=None)
    )


def set_outcome(connection: Connection, run_id: RunId, stage_id: StageId, outcome: StageOutcome) -> None:
    connection.execute(
        update(stages)
        .where(_is_stage(run_id, stage_id))
        .values(
            outputs=refs_json(outcome.outputs),
            metrics=to_json(dict(outcome.metrics)),
            notes=to_json(dict(outcome.notes)),
            cache_key=outcome.cache_key,
        )
    )


def set_cache_key(connection: Connection, run_id: RunId, stage_id: StageId, key: Digest) -> None:
    """What the stage's work is known by, from the moment on which it begins."""
    connection.execute(update(stages).where(_is_stage(run_id, stage_id)).values(cache_key=key))


def _is_stage(run_id: str, stage_id: str) -> Any:
    return and_(stages.c.run_id == run_id, stages.c.stage_id == stage_id)


def _stage(connection: Connection, row: Row[Any]) -> StageRecord:
    with readable(connection, stages, f"{row.run_id}/{row.stage_id}"):
        return StageRecord(
            run_id=RunId(row.run_id),
            stage_id=StageId(row.stage_id),
            position=row.position,
            state=StageState(row.state),
            reason=words_from(row.reason),
            cache_key=row.cache_key,
            outputs=refs_from(row.outputs),
            metrics=from_json(row.metrics),
            notes=from_json(row.notes),
            reopened_after=row.reopened_after,
            started_at=row.started_at,
            finished_at=row.finished_at,
        )
