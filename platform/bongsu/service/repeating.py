"""Requests that a client sends again because it heard no answer: each is carried out once."""

from __future__ import annotations

from sqlalchemy import Connection

from bongsu.domain.codes import api as codes
from bongsu.domain.ids import digest_of
from bongsu.store.records import RunRecord
from bongsu.store.requests import RequestKey, earlier_request, hold_request, note_request
from bongsu.store.runs import find_run


def request_key(actor: str, key: str, *asked: str) -> RequestKey | None:
    """The key of a request, None if its client gave none.

    Args:
        actor: who asks.
        key: as the client gave it.
        asked: what for, in full.
    """
    return RequestKey(actor, key, digest_of("\x1f".join(asked).encode())) if key else None


def repeated(connection: Connection, key: RequestKey | None, now: float) -> RunRecord | None:
    """The run that came of the same request before, as of this time. Raises ``api.key-used-otherwise``, and
    ``run.unknown`` for one that who asks may see no longer."""
    result = earlier_result(connection, key, now)
    return find_run(connection, result) if result is not None else None


def earlier_result(connection: Connection, key: RequestKey | None, now: float) -> str | None:
    """What came of the same request before; nothing of one that is older than
    :data:`bongsu.store.requests.KEPT_S`. Raises ``api.key-used-otherwise``."""
    earlier = earlier_request(connection, key, now) if key is not None else None
    if key is None or earlier is None:
        return None
    if earlier.request != key.request:
        raise codes.KEY_USED_OTHERWISE.error(key=key.key)
    return earlier.result


def held_result(connection: Connection, key: RequestKey | None, now: float) -> str | None:
    """As :func:`earlier_result`, of a request that nobody else carries out until the transaction ends. What is found
    was done, whatever became of it since: it is not done anew for a request that comes late."""
    if key is not None:
        hold_request(connection, key)
    return earlier_result(connection, key, now)


def note_result(connection: Connection, key: RequestKey | None, result: str, now: float) -> None:
    """What came of a request, in the transaction that did it or found it done."""
    if key is not None:
        note_request(connection, key, result, now)


def is_repeated(connection: Connection, key: RequestKey | None, now: float) -> bool:
    """Whether the same request was carried out before. If not, it is noted as one that this transaction carries
    out."""
    is_known = held_result(connection, key, now) is not None
    if not is_known:
        note_result(connection, key, "", now)
    return is_known
