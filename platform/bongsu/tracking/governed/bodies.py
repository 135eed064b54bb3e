"""What is received of a request, up to the size that its route takes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from bongsu.tracking.governed.refusals import TOO_LARGE, Refusal
from bongsu.tracking.governed.viewer import Denial


class Body:
    """Args:
    limit: in bytes.
    keeps: what was received can be looked at again; not for files.
    at_end: called once all of it is there, before its last part is given to anybody; raises Refusal if nobody may
        have it any more.

    Attributes:
        refused: why nothing of it is taken; None as long as it is.
        is_called_json: by whoever sends it.

    Raises:
        Refusal: it says itself that it is larger.
    """

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        limit: int,
        *,
        keeps: bool = True,
        at_end: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdecimal() or int(declared) > limit:
            raise Refusal(TOO_LARGE)
        kind = Headers(scope=scope).get("content-type", "").partition(";")[0]
        self.is_called_json = kind.strip().lower() == "application/json"
        self._receive = receive
        self._left = limit
        self._keeps = keeps
        self._parts: list[bytes] = []
        self._again: Message | None = None
        self._at_end = at_end
        self._is_whole = False
        self.refused: Denial | None = None

    @property
    def received(self) -> bytes:
        """So far; nothing of a file."""
        return b"".join(self._parts)

    async def rest(self) -> bytes:
        """All of it, if MLflow is not asked any more; nothing of a file, and what was received of one that is too
        large."""
        with suppress(Refusal):
            while self._keeps and not self._is_whole:
                await self()
        return self.received

    async def whole(self) -> bytes:
        """All of it, which is received once more afterwards."""
        while (await self()).get("more_body", False):
            pass
        self._again = {"type": "http.request", "body": self.received, "more_body": False}
        return self.received

    async def __call__(self) -> Message:
        if self._again is not None:
            again, self._again = self._again, None
            return again
        message = await self._receive()
        part = message.get("body", b"")
        self._left -= len(part)
        if self._left < 0:
            raise self._refusal(TOO_LARGE)
        if self._keeps and part:
            self._parts.append(part)
        if message["type"] != "http.request" or not message.get("more_body", False):
            self._is_whole = True
        if message["type"] == "http.request" and self._is_whole:
            await self._end()
        return message

    async def _end(self) -> None:
        """Once."""
        at_end, self._at_end = self._at_end, None
        if at_end is None:
            return
        try:
            await at_end()
        except Refusal as refusal:
            raise self._refusal(refusal.denial) from None

    def _refusal(self, denial: Denial) -> Refusal:
        # MLflow takes what is raised here for a failure of its own.
        self.refused = denial
        return Refusal(denial)
