"""Locks by name, for what rows alone do not keep apart: counting up, and labels that flow along a graph."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, func, select


def hold(connection: Connection, name: str) -> None:
    """Nobody else holds ``name`` until the transaction ends; waits for who does, and for oneself never.

    Whoever holds rows already can wait for somebody who wants these, so it is asked for before anything is changed.
    SQLite has one writer at a time anyhow.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(key_of(name))))


def hold_labels(connection: Connection) -> None:
    """Nobody else changes the lineage graph or the labels in it until the transaction ends.

    Of two transactions that run at once, one would else not see the edge that the other adds, and the other not the
    label that the first raises; what is made from a secret would be open.
    """
    hold(connection, "labels")


def key_of(name: str) -> int:
    """The number of 64 bits, with a sign, by which PostgreSQL knows the lock."""
    digest = hashlib.sha256(f"bongsu {name}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)
