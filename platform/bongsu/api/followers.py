"""Answers that go on while something happens: each in a thread that is not the routes', for as long as whoever follows
is there and may see it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

from anyio import CapacityLimiter, to_thread
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from bongsu.api.asking import Asker
from bongsu.domain.codes import api as codes
from bongsu.domain.problems import BongsuError

OF_ALL = 400
OF_ONE = 40
# After so long it is looked again whether they may: a person may be disabled, a label raised, a permit revoked.
LOOK_AGAIN_S = 5.0


class Followers:
    """Who follows something at this server."""

    def __init__(self) -> None:
        self._limiter: CapacityLimiter | None = None
        self._held: Counter[str] = Counter()

    @property
    def limiter(self) -> CapacityLimiter:
        """Of their threads: routes have others, and answer though all of these wait. It belongs to the event loop that
        asks first."""
        if self._limiter is None:
            self._limiter = CapacityLimiter(OF_ALL)
        return self._limiter

    @contextmanager
    def one_more(self, actor: str) -> Iterator[None]:
        """For the time of an answer. Raises ``api.too-many-followed`` where there are enough, of one or of all."""
        if self._held[actor] >= OF_ONE or self._held.total() >= OF_ALL:
            raise codes.TOO_MANY_FOLLOWED.error(limit=OF_ONE, all=OF_ALL)
        self._held[actor] += 1
        try:
            yield
        finally:
            self._held[actor] -= 1
            if not self._held[actor]:
                del self._held[actor]


class Followed(StreamingResponse):
    """An answer that counts as followed from its begin to its end, or until whoever reads it has left."""

    def __init__(self, content: AsyncIterator[str], followers: Followers, actor: str, media_type: str) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(content, media_type=media_type, headers=headers)
        self._followers, self._actor = followers, actor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._followers.one_more(self._actor):
            await super().__call__(scope, receive, send)


class StillMay:
    """Whether somebody may still see the run that they follow."""

    def __init__(self, asker: Asker, run: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._asker, self._run, self._monotonic = asker, run, monotonic
        self._looked_at = monotonic()

    def look(self) -> bool:
        """False once they may not, or nobody can tell; then whoever follows asks anew, and is told why."""
        now = self._monotonic()
        if now - self._looked_at < LOOK_AGAIN_S:
            return True
        self._looked_at = now
        try:
            self._asker.look_again(self._run)
        except BongsuError:
            return False
        return True


async def in_threads(
    lines: Callable[[Callable[[], bool]], Iterator[str]], limiter: CapacityLimiter
) -> AsyncIterator[str]:
    """What an iterator gives that waits between two of its texts.

    Args:
        lines: makes it, from what tells it that nobody takes them any longer.
        limiter: of the threads in which it waits.
    """
    gone = threading.Event()
    texts = lines(gone.is_set)
    try:
        while True:
            text = await to_thread.run_sync(next, texts, None, limiter=limiter, abandon_on_cancel=True)
            if text is None:
                return
            yield text
    finally:
        gone.set()
