"""What is received of a request, up to the size that its route takes."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from bongsu.tracking.governed.refusals import TOO_LARGE, Refusal


class Body:
    """Args:
    limit: in bytes.
    keeps: what was received can be looked at again; not for files.

    Attributes:
        is_called_json: by whoever sends it.

    Raises:
        Refusal: it says itself that it is larger.
    """

    def __init__(self, scope: Scope, receive: Receive, limit: int, *, keeps: bool = True) -> None:
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

    @property
    def is_too_large(self) -> bool:
        return self._left < 0

    @property
    def received(self) -> bytes:
        """So far; nothing of a file."""
        return b"".join(self._parts)

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
        if self.is_too_large:
            raise Refusal(TOO_LARGE)
        if self._keeps and part:
            self._parts.append(part)
        return message
