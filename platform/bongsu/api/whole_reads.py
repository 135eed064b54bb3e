"""What reads all bytes of a model before it answers, which may take an hour: whether the model may be used, its bundle,
and carrying out what lets it be used. And what reads all of a log, which takes minutes: it does not wait for models."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fastapi import Request

from bongsu.api.asking import Asker
from bongsu.api.turns import Turns

T = TypeVar("T")
MOST_READ = 4
"""So many models are read at once."""
MOST_OF_ONE = 2
"""So many of them for one person."""


class WholeReads(Turns):
    """Models that are read from their first byte to their last, at this server."""

    def __init__(self) -> None:
        super().__init__(MOST_READ, MOST_OF_ONE)


class LogReads(WholeReads):
    """Logs that are read from their first entry to their last, at this server."""


async def in_turn(
    request: Request, asker: Asker, work: Callable[[Asker], T], kind: type[WholeReads] = WholeReads
) -> T:
    """What ``work`` makes of somebody as they are when their turn comes. The caller has them counted as a reader from
    before that (:meth:`bongsu.api.asking.Asker.reading`), so that no more wait than may read.

    Args:
        request: of whose body nothing more is read.
        asker: who asks.
        work: is handed them as they are then.
        kind: what it reads.

    Raises:
        BongsuError: ``identity.not-signed-in`` if they were disabled meanwhile; what ``work`` raises.
        ClientDisconnect: they left first.
    """
    turns: WholeReads = request.app.state.whole_reads[kind]
    return await turns.take(request, asker.actor.id, lambda _has_left: work(asker.as_now()))
