"""Locks by name, for what rows alone do not keep apart: counting up, labels that flow along a graph, and rows that
somebody is about to add.

Whoever takes several asks for them in this order, and never the other way round: models by their names, in the order of
these; the labels; rows; a grant's row; the head of a log.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, func, select

from bongsu.store.scope import tenant_of


def hold(connection: Connection, name: str) -> None:
    """Nobody else holds ``name`` until the transaction ends; waits for who does, and for oneself never.

    Whoever holds rows already can wait for somebody who wants these, so it is asked for before anything is changed.
    SQLite has one writer at a time anyhow.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(key_of(name))))


def hold_model(connection: Connection, name: str) -> None:
    """Nobody else registers a version of this model of the connection's tenant, gives it an alias, suspends it or lets
    it go, until the transaction ends.

    A version that is being registered has no row yet that others could lock: who suspends the model would not see it,
    and who registers it not the suspension. It is asked for before :func:`hold_labels`.
    """
    hold(connection, f"model {tenant_of(connection)}|{name}")


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
