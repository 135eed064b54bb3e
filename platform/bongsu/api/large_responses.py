"""Answers that are large: files, bundles, logs. So many at once, a piece of each in memory, each while it is read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager

import anyio
import anyio.to_thread
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from bongsu.artifacts.sending import send_pieces
from bongsu.domain.problems import LACKING, BongsuError

_TRIES, _PAUSE_S = 5, 2.0
_log = logging.getLogger("bongsu.api")


class LargeResponse(StreamingResponse):
    """An answer that counts as read from its begin to its end, or until whoever reads it has left or may read it no
    longer.

    Args:
        pieces: made as they are read, in threads.
        held: for its time; raises if there are enough readers.
        close: called in the end, whether or not anything was read.
        look_again: whether they still may, in a thread; raises if not.
    """

    def __init__(
        self,
        pieces: Iterator[bytes],
        held: Callable[[], AbstractContextManager[object]],
        close: Callable[[], None],
        look_again: Callable[[], object],
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__((), media_type=media_type, headers=headers)
        self._held, self._close_source, self._look_again = held, close, look_again
        # An empty piece is no end, as archives have them between two members.
        self._pieces = (piece for piece in pieces if piece)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._held():
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                await send_pieces(lambda: next(self._pieces, b""), receive, send, self._still_may)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._close)

    async def _still_may(self) -> bool:
        """A database that is busy or begins anew says nothing of the reader: it is asked again, and nothing is sent
        meanwhile."""
        for again in range(_TRIES):
            if again:
                await anyio.sleep(_PAUSE_S)
            try:
                await anyio.to_thread.run_sync(self._look_again)
            except BongsuError as error:
                last = error
                if error.exit_code != LACKING:
                    break
            else:
                return True
        names = ", ".join(problem.code.name for problem in last.problems)
        _log.warning("an answer was broken off, whose reader was looked for again: %s", names)
        return False

    def _close(self) -> None:
        """Whatever the pieces are made of goes with them."""
        self._pieces.close()
        self._close_source()
