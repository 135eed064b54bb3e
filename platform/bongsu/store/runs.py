"""Runs: creating, finding and moving them. Their stages and attempts have modules of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, func, insert, not_, select, update

from bongsu.domain.codes import run as codes
from bongsu.domain.ids import Digest, RunId
from bongsu.domain.labels import Label
from bongsu.domain.plan import RunPlan
from bongsu.domain.run import RUN_MOVES, RunState, StageState
from bongsu.store.conflicts import Conflict
from bongsu.store.faults import readable
from bongsu.store.locks import hold
from bongsu.store.portions import portions
from bongsu.store.records import RunRecord
from bongsu.store.schema import runs, stages
from bongsu.store.scope import is_owned, owned, sees, tenant_of, visible
from bongsu.store.taken import add_new

_LONGEST_ID = 40
RUN_ID_LENGTH = 14
_ACTIVE = tuple(state.value for state in RunState if not state.is_final)
COLUMNS = [column for column in runs.columns if column.name not in ("plan", "open_key")]
# Made once: for what is asked with nearly every request, making a statement costs as much as asking it.
_BY_ID = select(*COLUMNS).where(runs.c.id == bindparam("run"))
_PLAN = select(runs.c.plan).where(runs.c.id == bindparam("run"))


class StaleRun(Conflict):
    """Somebody else changed the run since it was read."""


def create_run(connection: Connection, run_id: RunId, plan: RunPlan, now: float, submitted_by: str = "") -> None:
    """Record a run and all its stages; the caller's transaction makes it one act.

    Raises:
        Taken: a run of the same plan is under way, which who submits may see.
    """
    plan_hash = plan.hash
    _hold_plan(connection, plan_hash)
    _pass_hidden(connection, plan_hash)
    add_new(
        connection,
        insert(runs).values(
            id=run_id,
            tenant=tenant_of(connection),
            submitted_by=submitted_by,
            pipeline=plan.metadata.name,
            ministry=plan.metadata.ministry,
            plan_hash=plan_hash,
            plan=plan.model_dump_json(by_alias=True),
            state=RunState.PENDING.value,
            label=str(plan.label),
            use_class=plan.purpose.use_class.value,
            created_at=now,
            version=0,
            open_key=plan_hash,
        ),
    )
    rows = [
        {
            "run_id": run_id,
            "stage_id": planned.id,
            "position": position,
            "state": StageState.WAITING.value,
            "reason": "",
            "reopened_after": 0,
        }
        for position, planned in enumerate(plan.stages)
    ]
    connection.execute(insert(stages), rows)


def _hold_plan(connection: Connection, plan_hash: str) -> None:
    """Nobody else makes a run the open one of its plan until the transaction ends."""
    hold(connection, f"plan {plan_hash}")


def _pass_hidden(connection: Connection, plan_hash: str) -> None:
    """A run whose label rose above the clearance of who begins one is no longer the open one of its plan: it goes on,
    and theirs is found from now on by whoever submits the plan again."""
    is_hidden = and_(owned(connection, runs), not_(visible(connection, runs)), runs.c.open_key == plan_hash)
    connection.execute(update(runs).where(is_hidden).values(open_key=None))


def open_run_of(connection: Connection, plan_hash: Digest) -> RunRecord | None:
    """The run of this plan that is under way and not being cancelled, if who asks may see it."""
    query = select(*COLUMNS).where(visible(connection, runs), runs.c.open_key == plan_hash)
    row = connection.execute(query).one_or_none()
    return run_of(connection, row) if row else None


def get_plan(connection: Connection, run_id: str) -> RunPlan:
    text = connection.execute(_PLAN, {"run": run_id}).scalar_one()
    with readable(connection, runs, run_id):
        return RunPlan.model_validate_json(text)


def get_run(connection: Connection, run_id: str) -> RunRecord:
    """Raises ``run.unknown``."""
    row = connection.execute(_BY_ID, {"run": run_id}).one_or_none()
    if row is None or not is_owned(connection, row):
        raise codes.UNKNOWN_RUN.error(run=run_id)
    return run_of(connection, row)


def labels_of_runs(connection: Connection, run_ids: Iterable[str]) -> dict[str, Label]:
    """Of those of these runs that there are, by their ids; whatever the reader sees, for what is decided."""
    return {
        row.id: Label.parse(row.label)
        for some in portions(sorted(set(run_ids)))
        for row in connection.execute(select(runs.c.id, runs.c.label).where(runs.c.id.in_(some)))
    }


def hold_run(connection: Connection, run_id: str) -> RunRecord:
    """As :func:`get_run`; nobody else changes the run until the transaction ends."""
    query = select(*COLUMNS).where(owned(connection, runs), runs.c.id == run_id).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise codes.UNKNOWN_RUN.error(run=run_id)
    return run_of(connection, row)


def find_run(connection: Connection, text: str) -> RunRecord:
    """The run whose id is or begins with ``text``; ``latest`` is the newest.

    Raises:
        BongsuError: ``run.unknown``, ``run.none-yet`` or ``run.ambiguous``.
    """
    if len(text) == RUN_ID_LENGTH:  # whole ids are asked for most
        row = connection.execute(_BY_ID, {"run": text}).one_or_none()
        if row is not None and is_owned(connection, row) and sees(connection, row.label):
            return run_of(connection, row)
    newest_first = (
        select(*COLUMNS).where(visible(connection, runs)).order_by(runs.c.created_at.desc(), runs.c.id.desc())
    )
    query = newest_first.limit(1) if text == "latest" else newest_first.where(_begins(text)).limit(5)
    # No id is longer, and SQLite refuses patterns that are much longer.
    rows = connection.execute(query).all() if 0 < len(text) <= _LONGEST_ID else []
    exact = [row for row in rows if row.id == text]
    if not rows and text == "latest":
        raise codes.NO_RUN_YET.error()
    if not rows:
        raise codes.UNKNOWN_RUN.error(run=text)
    if len(rows) > 1 and not exact:
        # Which they are would have to be on record as read.
        count = select(func.count()).where(visible(connection, runs), _begins(text))
        raise codes.AMBIGUOUS_RUN.error(run=text, count=connection.execute(count).scalar_one())
    return run_of(connection, (exact or rows)[0])


def _begins(text: str) -> ColumnElement[bool]:
    return runs.c.id.startswith(text, autoescape=True)


def list_runs(
    connection: Connection, states: Sequence[RunState] = (), pipeline: str | None = None, limit: int | None = 50
) -> list[RunRecord]:
    """Newest first; all of them without a limit."""
    query = select(*COLUMNS).where(visible(connection, runs))
    query = query.order_by(runs.c.created_at.desc(), runs.c.id.desc()).limit(limit)
    if states:
        query = query.where(runs.c.state.in_([state.value for state in states]))
    if pipeline:
        query = query.where(runs.c.pipeline == pipeline)
    return [run_of(connection, row) for row in connection.execute(query)]


def active_versions(connection: Connection) -> dict[RunId, tuple[RunState, int]]:
    """State and version of every run that is not finished, oldest first: one small query tells what changed."""
    query = (
        select(runs.c.id, runs.c.state, runs.c.version)
        .where(owned(connection, runs), runs.c.state.in_(_ACTIVE))
        .order_by(runs.c.created_at, runs.c.id)
    )
    return {RunId(row.id): (RunState(row.state), row.version) for row in connection.execute(query)}


def pending_runs(connection: Connection) -> list[RunId]:
    """Runs with which nobody has begun."""
    query = select(runs.c.id).where(owned(connection, runs), runs.c.state == RunState.PENDING.value)
    return [RunId(found) for found in connection.execute(query).scalars()]


def raise_label(connection: Connection, run_id: RunId, label: Label) -> None:
    """What the run carries, now that it made something of a higher label than was planned; it only rises."""
    known = connection.execute(select(runs.c.label).where(runs.c.id == run_id)).scalar_one()
    connection.execute(update(runs).where(runs.c.id == run_id).values(label=str(Label.parse(known).join(label))))


def claim_version(connection: Connection, run_id: RunId, version: int) -> None:
    """Begin a change that was decided on ``version`` of the run; :class:`StaleRun` if there is a newer one."""
    done = connection.execute(
        update(runs).where(runs.c.id == run_id, runs.c.version == version).values(version=version + 1)
    )
    if done.rowcount != 1:
        raise StaleRun(run_id)


def move_run(connection: Connection, record: RunRecord, state: RunState, now: float) -> None:
    """Change a run's state along an allowed move; the caller has claimed its version.

    Raises:
        BongsuError: ``run.invalid-move`` for a move that is not allowed, or from a state that no longer holds.
    """
    if state not in RUN_MOVES[record.state]:
        raise codes.INVALID_MOVE.error(subject=f"run {record.id}", old=record.state.value, new=state.value)
    values: dict[str, Any] = {"state": state.value}
    if state is RunState.RUNNING:
        values["started_at"] = func.coalesce(runs.c.started_at, now)
    if state is RunState.PENDING:
        values["finished_at"] = None
        _hold_plan(connection, record.plan_hash)
        _pass_hidden(connection, record.plan_hash)
        # A resumed run is the open one of its plan again, unless there is a newer one.
        values["open_key"] = None if open_run_of(connection, record.plan_hash) else record.plan_hash
    if state.is_final:
        values["finished_at"] = now
    if state.is_final or state is RunState.CANCELLING:
        values["open_key"] = None
    done = connection.execute(
        update(runs).where(runs.c.id == record.id, runs.c.state == record.state.value).values(**values)
    )
    if done.rowcount != 1:
        old = f"not {record.state.value}"
        raise codes.INVALID_MOVE.error(subject=f"run {record.id}", old=old, new=state.value)


def run_of(connection: Connection, row: Row[Any]) -> RunRecord:
    values = dict(row._mapping)
    with readable(connection, runs, row.id):
        Label.parse(row.label)
        return RunRecord(**values | {"state": RunState(values["state"])})
