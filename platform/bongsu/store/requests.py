"""Requests that were carried out: noted in the transaction of what they asked for."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, and_, delete, insert, select, tuple_

from bongsu.domain.ids import Digest
from bongsu.store.locks import hold
from bongsu.store.schema_requests import idempotency_keys
from bongsu.store.taken import add_new

KEPT_S = 7 * 24 * 3600.0
"""So long a client may repeat a request, in seconds; a key that is older is as one that was never used, whether or not
its row was removed yet."""


@dataclass(frozen=True)
class RequestKey:
    """Whose request, by the key that the client gave it, and the digest of its content."""

    actor: str
    key: str
    request: Digest


@dataclass(frozen=True)
class EarlierRequest:
    """Digest of what was asked for under a key, and what came of it."""

    request: Digest
    result: str


def earlier_request(connection: Connection, key: RequestKey, now: float) -> EarlierRequest | None:
    """What the key stands for at this time, in seconds since the epoch."""
    query = select(idempotency_keys.c.request, idempotency_keys.c.result).where(
        idempotency_keys.c.actor == key.actor,
        idempotency_keys.c.key == key.key,
        idempotency_keys.c.created_at >= now - KEPT_S,
    )
    row = connection.execute(query).one_or_none()
    return EarlierRequest(Digest(row.request), row.result) if row else None


def note_request(connection: Connection, key: RequestKey, result: str, now: float) -> None:
    """Note what came of a request, and forget old ones.

    Raises:
        Taken: the same request is carried out by somebody else at this moment.
    """
    by_key = idempotency_keys.c.actor, idempotency_keys.c.key
    # Rows that another transaction removes are left to it: it may wait for what this one holds.
    old = select(*by_key).where(idempotency_keys.c.created_at < now - KEPT_S).with_for_update(skip_locked=True)
    connection.execute(delete(idempotency_keys).where(tuple_(*by_key).in_(old)))
    values = {"actor": key.actor, "key": key.key, "request": key.request, "result": result, "created_at": now}
    add_new(connection, insert(idempotency_keys).values(values))


def forget_request(connection: Connection, key: RequestKey) -> None:
    """Let go of a request whose result is replaced: what comes of it next is noted anew."""
    is_it = and_(idempotency_keys.c.actor == key.actor, idempotency_keys.c.key == key.key)
    connection.execute(delete(idempotency_keys).where(is_it))


def hold_request(connection: Connection, key: RequestKey) -> None:
    """Nobody else carries out a request of this key until the transaction ends."""
    hold(connection, f"request {key.actor} {key.key}")
