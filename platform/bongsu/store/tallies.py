"""How much there is of what operators watch, each found through an index and none by reading everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, text

from bongsu.domain.run import RunState
from bongsu.store.schema import outbox, runs
from bongsu.store.schema_audit import audit_checkpoints, audit_logs
from bongsu.store.schema_grants import grants

# What is counted one by one is counted up to here: above it the number says no more than "far too many".
MOST_COUNTED = 100_000
# Of open grants, those that end last.
MOST_GRANTS = 200
_LIVE = tuple(state.value for state in RunState if not state.is_final)


@dataclass(frozen=True)
class GrantTally:
    """Amounts in GPU-milliseconds."""

    id: str
    ministry: str
    given_ms: int
    used_ms: int


@dataclass(frozen=True)
class Tally:
    """Attributes:
    runs: runs that are not over, by state.
    oldest_pending_at: when the oldest run was created that nobody has begun with; seconds since the epoch.
    outbox: publications that wait for MLflow, at most ``MOST_COUNTED``.
    unsigned: entries of audit logs behind their newest checkpoints.
    used_ms: GPU-milliseconds that were ever metered, by ministry and accelerator.
    grants: open grants, at most ``MOST_GRANTS``.
    """

    runs: Mapping[str, int]
    oldest_pending_at: float | None
    outbox: int
    unsigned: int
    used_ms: Mapping[tuple[str, str], int]
    grants: tuple[GrantTally, ...]


def tally_of(connection: Connection, limit_ms: int) -> Tally:
    """Of everybody's objects together: for operators of the installation, and for nobody in a ministry.

    Args:
        connection: in a transaction that reads, with the scope of the control plane itself.
        limit_ms: a statement that takes longer is given up, where the database can do so (PostgreSQL).
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET LOCAL statement_timeout = {limit_ms:d}"))
    by_state = select(runs.c.state, func.count()).where(runs.c.state.in_(_LIVE)).group_by(runs.c.state)
    oldest = select(func.min(runs.c.created_at)).where(runs.c.state == RunState.PENDING.value)
    waiting = select(outbox.c.id).where(outbox.c.done.is_(False)).limit(MOST_COUNTED).subquery()
    return Tally(
        runs={state.value: 0 for state in RunState if not state.is_final}
        | {str(state): int(count) for state, count in connection.execute(by_state)},
        oldest_pending_at=connection.execute(oldest).scalar(),
        outbox=connection.execute(select(func.count()).select_from(waiting)).scalar_one(),
        unsigned=_unsigned(connection),
        used_ms=_used(connection),
        grants=_open_grants(connection),
    )


def _unsigned(connection: Connection) -> int:
    """One look into the index of checkpoints for each log."""
    signed = (
        select(func.max(audit_checkpoints.c.size))
        .where(audit_checkpoints.c.tenant == audit_logs.c.tenant)
        .scalar_subquery()
    )
    query = select(func.sum(audit_logs.c.size - func.coalesce(signed, 0)))
    return int(connection.execute(query).scalar() or 0)


def _used(connection: Connection) -> dict[tuple[str, str], int]:
    columns = (grants.c.receiver, grants.c.accelerator)
    query = select(*columns, func.sum(grants.c.used_ms)).group_by(*columns)
    return {(receiver, accelerator): int(used) for receiver, accelerator, used in connection.execute(query)}


def _open_grants(connection: Connection) -> tuple[GrantTally, ...]:
    query = (
        select(grants.c.id, grants.c.receiver, grants.c.given_ms, grants.c.used_ms)
        .where(grants.c.closed_at.is_(None))
        .order_by(grants.c.ends.desc(), grants.c.id)
        .limit(MOST_GRANTS)
    )
    return tuple(GrantTally(*row) for row in connection.execute(query))
