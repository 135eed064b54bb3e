"""Work for a request that takes long: of few at once, in threads that are not the routes', which go on answering."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar
from weakref import WeakValueDictionary

import anyio
import anyio.to_thread
from fastapi import Request
from starlette.requests import ClientDisconnect

from bongsu.artifacts.sending import while_there
from bongsu.service.unpacking import SenderLeft

T = TypeVar("T")


class Turns:
    """Who waits holds no thread, and is let go of once they have left.

    Args:
        most: so much of it is done at once, at this server.
        of_one: so much of that is one person's.
    """

    def __init__(self, most: int, of_one: int) -> None:
        self._most, self._most_of_one = most, of_one
        self._limiter: anyio.CapacityLimiter | None = None
        self._of_each = WeakValueDictionary[str, anyio.CapacityLimiter]()
        """By person; those of whom nothing is waited for are forgotten."""

    async def take(self, request: Request, person: str, work: Callable[[Callable[[], bool]], T]) -> T:
        """What ``work`` makes in its turn; it is told how to ask whether who asked has left.

        Args:
            request: of whose body nothing more is read.
            person: who asked. What they want beyond their part waits for what they wanted before, so that others wait
                for nobody who wants very much.
            work: raises SenderLeft where it ends for that.

        Raises:
            ClientDisconnect: they left before their turn, or before it was done.
        """
        if self._limiter is None:  # it belongs to the event loop that asks first
            self._limiter = anyio.CapacityLimiter(self._most)
        limiter, gone = self._limiter, threading.Event()
        of_one = self._of_each.setdefault(person, anyio.CapacityLimiter(self._most_of_one))
        made: list[T] = []

        async def take() -> None:
            async with of_one:
                with suppress(SenderLeft):
                    made.append(await anyio.to_thread.run_sync(work, gone.is_set, limiter=limiter))

        # Who waits for a turn is let go of; what is under way asks whether they have left.
        await while_there(request.receive, take, on_leaving=gone.set)
        if not made:
            raise ClientDisconnect
        return made[0]
