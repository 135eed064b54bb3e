"""Ending what a row stands for, once: it stays, with when it ended."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Connection, update


def end_once(connection: Connection, ended_at: Column[Any], key: str, now: float, **values: Any) -> bool:
    """Say that it ends now; False, and no change, if it had ended before.

    Args:
        connection: of a transaction.
        ended_at: column that says when; seconds since the epoch.
        key: of the row, its ``id``.
        now: the time.
        values: what else is to be said of it.
    """
    table = ended_at.table
    lasting = update(table).where(table.c.id == key, ended_at.is_(None))
    return connection.execute(lasting.values({ended_at.name: now, **values})).rowcount == 1
