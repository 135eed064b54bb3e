"""Whether requests should come here: asked by whoever distributes them, every few seconds, in good times and in bad."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import anyio
import anyio.to_thread

from bongsu.api.ending import Ending

# Shorter than those who ask usually wait themselves; a database that hangs would hold them up for longer.
PATIENCE_S = 2.0
_log = logging.getLogger("bongsu.api")


class Readiness:
    """One look at a time, for everybody who asks: questions do not pile up behind a database that hangs.

    Args:
        look: whether the server can do its work, as far as that is not of this process; may take long.
        ending: of the server.
        patience_s: what takes longer than this is taken for a no.
    """

    def __init__(self, look: Callable[[], bool], ending: Ending, patience_s: float = PATIENCE_S) -> None:
        self._look = look
        self._ending = ending
        self._patience = patience_s
        self._limiter: anyio.CapacityLimiter | None = None
        self._looking: asyncio.Task[bool] | None = None

    async def __call__(self) -> bool:
        if self._ending.has_begun:
            return False
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._ask())
        await asyncio.wait({self._looking}, timeout=self._patience)
        return self._looking.done() and self._looking.result() and not self._ending.has_begun

    async def _ask(self) -> bool:
        if self._limiter is None:
            # A thread of its own: those of the requests may all be waiting for the database.
            self._limiter = anyio.CapacityLimiter(1)
        try:
            return await anyio.to_thread.run_sync(self._look, limiter=self._limiter, abandon_on_cancel=True)
        except Exception:  # whoever asks wants to know one thing
            _log.exception("It could not be seen whether this server is ready.")
            return False
