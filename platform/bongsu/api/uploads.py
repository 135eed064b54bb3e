"""Files that clients send: where they lie while they are looked at, how large they may be, what they may be called."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread
from fastapi import Request
from fastapi.concurrency import contextmanager_in_threadpool, run_in_threadpool
from starlette.requests import ClientDisconnect

from bongsu.artifacts.sending import while_there
from bongsu.domain.codes import api as codes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.unseen import first_unseen
from bongsu.service.platform import Platform
from bongsu.service.unpacking import SenderLeft
from bongsu.service.uploading import upload_folder

T = TypeVar("T")
MOST_BYTES = 1 << 40
MOST_TAKEN = 4
"""So many uploads are unpacked at once."""


class Intake:
    """What is made of files that were sent, at this server: of few at once, in threads that are not the routes'."""

    def __init__(self) -> None:
        self._limiter: anyio.CapacityLimiter | None = None

    async def take(self, request: Request, taking: Callable[[Callable[[], bool]], T]) -> T:
        """What ``taking`` makes in its turn; it is told how to ask whether who sent the files has left.

        Args:
            request: whose body was read to its end.
            taking: raises SenderLeft where it ends for that.

        Raises:
            ClientDisconnect: they left before their turn, or before it was done.
        """
        if self._limiter is None:  # it belongs to the event loop that asks first
            self._limiter = anyio.CapacityLimiter(MOST_TAKEN)
        limiter, gone = self._limiter, threading.Event()
        made: list[T] = []

        async def take() -> None:
            with suppress(SenderLeft):
                made.append(await anyio.to_thread.run_sync(taking, gone.is_set, limiter=limiter))

        # Who waits for a turn is let go of; what is under way asks whether they have left.
        await while_there(request.receive, take, on_leaving=gone.set)
        if not made:
            raise ClientDisconnect
        return made[0]


def intake_of(request: Request) -> Intake:
    """Of the server that it is asked of."""
    found: Intake = request.app.state.intake
    return found


def folder_for_files(platform: Platform) -> AbstractAsyncContextManager[Path]:
    """As :func:`bongsu.service.uploading.upload_folder`. It is made and deleted beside the event loop, and deleted for
    a request that is given up, too: what was unpacked into it may be very many files."""
    return contextmanager_in_threadpool(upload_folder(platform))


async def receive(request: Request, place: Path) -> None:
    """Write the body into a new file. Raises ``api.too-large``."""
    seen = 0
    with place.open("xb") as file:
        async for piece in request.stream():
            seen += len(piece)
            if seen > MOST_BYTES:
                raise codes.TOO_LARGE.error(limit=MOST_BYTES)
            await run_in_threadpool(file.write, piece)


def refuse_strange_title(title: str) -> None:
    """Raises ``api.bad-request`` for what would not be seen as it is."""
    if unseen := first_unseen(title):
        words = phrase(N_("it holds {character}, which nobody sees"), character=unseen)
        raise codes.BAD_REQUEST.error(place="query.title", detail=words)
    if set(title) & set("\t\r\n"):
        raise codes.BAD_REQUEST.error(place="query.title", detail=phrase(N_("it is not one line")))
