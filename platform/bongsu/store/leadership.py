"""The epochs of leaders: each has a number of its own, by which a late write of an earlier one is known."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from bongsu.store.schema_leadership import leadership
from bongsu.store.upsert import insert_absent


def begin_epoch(connection: Connection, name: str, holder: str, now: float) -> int:
    """The number of a new leader. Once this is committed nobody writes under an earlier one; waits for transactions
    that do so at this moment."""
    insert_absent(connection, leadership, {"name": name, "epoch": 0, "holder": "", "taken_at": now})
    taken = (
        leadership.update()
        .where(leadership.c.name == name)
        .values(epoch=leadership.c.epoch + 1, holder=holder[:200], taken_at=now)
        .returning(leadership.c.epoch)
    )
    return int(connection.execute(taken).scalar_one())


def keep_epoch(connection: Connection, name: str, idle_ms: int) -> tuple[int, str]:
    """Number and holder of the newest epoch, which nobody follows until this transaction ends.

    Args:
        connection: in a transaction, of which this is the first statement.
        name: of what is led.
        idle_ms: the server ends the transaction if its owner says nothing for so long: who was stopped in the middle
            of one keeps nobody from taking over.
    """
    quick = func.set_config("idle_in_transaction_session_timeout", str(idle_ms), True)
    query = select(leadership.c.epoch, leadership.c.holder, quick).where(leadership.c.name == name)
    row = connection.execute(query.with_for_update(read=True)).one()
    return row.epoch, row.holder


def holder_of(connection: Connection, name: str) -> str:
    """Who took it last, and may have it still; empty if nobody ever did."""
    return connection.execute(select(leadership.c.holder).where(leadership.c.name == name)).scalar() or ""
