"""Notices of what a giver will take back."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from bongsu.store.schema_grants import grant_notices


@dataclass(frozen=True)
class Notice:
    """``gpu_ms`` at most will be taken back once it is ``effective_at``; it stands until ``ended_at``, when it was
    carried out or withdrawn. Times in seconds since the epoch."""

    grant_id: str
    number: int
    gpu_ms: int
    reason: str
    actor: str
    announced_at: float
    effective_at: float
    ended_at: float | None = None


def announce(connection: Connection, notice: Notice) -> Notice:
    """Add a notice under the next number; the caller holds the grant's row."""
    c = grant_notices.c
    last = connection.execute(select(func.max(c.number)).where(c.grant_id == notice.grant_id)).scalar() or 0
    values = vars(notice) | {"number": last + 1}
    connection.execute(insert(grant_notices).values(**values))
    return Notice(**values)


def standing_notice(connection: Connection, grant_id: str) -> Notice | None:
    """The one that was neither carried out nor withdrawn."""
    c = grant_notices.c
    query = select(grant_notices).where(c.grant_id == grant_id, c.ended_at.is_(None)).order_by(c.number.desc())
    row = connection.execute(query).first()
    return Notice(**row._mapping) if row else None


def last_notice(connection: Connection, grant_id: str) -> Notice | None:
    """The newest one, whatever became of it."""
    c = grant_notices.c
    query = select(grant_notices).where(c.grant_id == grant_id).order_by(c.number.desc())
    row = connection.execute(query.limit(1)).first()
    return Notice(**row._mapping) if row else None


def find_notice(connection: Connection, grant_id: str, number: int) -> Notice | None:
    c = grant_notices.c
    row = connection.execute(select(grant_notices).where(c.grant_id == grant_id, c.number == number)).first()
    return Notice(**row._mapping) if row else None


def end_notice(connection: Connection, notice: Notice, now: float) -> bool:
    """False if somebody ended it before."""
    c = grant_notices.c
    is_it = (c.grant_id == notice.grant_id) & (c.number == notice.number) & c.ended_at.is_(None)
    return connection.execute(update(grant_notices).where(is_it).values(ended_at=now)).rowcount == 1
