"""What holds for every request before a route sees it: its number, its size, how many there are, what is kept of it."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bongsu.domain.codes import api as codes

NUMBER_HEADER = "x-request-id"
_NUMBER = re.compile(r"[A-Za-z0-9._-]{8,64}")
# Of a request's body where a route does not take files.
MOST_BYTES = 2_000_000
_PROTECTING = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)


def is_too_large(request: Request) -> bool:
    """True if reading its body was given up for that."""
    return bool(getattr(request.state, "is_too_large", False))


def request_id(request: Request) -> str:
    """The number of a request: the client's, if it gave a sensible one."""
    return str(getattr(request.state, "number", "-"))


class Numbered:
    """Gives each request a number, which its answer, its log lines and its audit entries carry."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(NUMBER_HEADER.encode(), b"").decode("latin-1")
        number = given if _NUMBER.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["number"] = number

        async def numbered(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (NUMBER_HEADER.encode(), number.encode()),
                    *_PROTECTING,
                ]
            await send(message)

        await self._app(scope, receive, numbered)


class Bounded:
    """Refuses bodies that are too large, whether or not they say so beforehand: ``api.too-large``.

    Args:
        app: what is protected.
        takes_files: whether a route at this path reads its body piece by piece, under a limit of its own.
    """

    def __init__(self, app: ASGIApp, takes_files: Callable[[str], bool], most: int = MOST_BYTES) -> None:
        self._app = app
        self._takes_files = takes_files
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._takes_files(scope["path"]):
            await self._app(scope, receive, send)
            return
        stated = dict(scope["headers"]).get(b"content-length", b"")
        seen = 0

        async def bounded() -> Message:
            nonlocal seen
            message = await receive() if not (stated.isdigit() and int(stated) > self._most) else None
            seen += len(message.get("body", b"")) if message is not None else self._most + 1
            if message is None or seen > self._most:
                # Whoever reads the body takes what is raised here for a body that cannot be read.
                scope.setdefault("state", {})["is_too_large"] = True
                raise codes.TOO_LARGE.error(limit=self._most)
            return message

        await self._app(scope, bounded, send)


class Rate:
    """How many requests somebody may make: a bucket that fills evenly (token bucket), one for each key.

    Args:
        a_minute: how fast it fills; the bucket holds a quarter of it.
        monotonic: seconds that only grow.
    """

    _MOST_KEYS = 10_000

    def __init__(self, a_minute: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.a_minute = a_minute
        self._holds = max(1.0, a_minute / 4)
        self._monotonic = monotonic
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> None:
        """Raises ``api.too-many`` if the bucket is empty."""
        now = self._monotonic()
        left, since = self._buckets.pop(key, (self._holds, now))
        left = min(self._holds, left + (now - since) * self.a_minute / 60)
        while len(self._buckets) >= self._MOST_KEYS:
            self._buckets.pop(next(iter(self._buckets)))  # the one that was quiet for longest
        self._buckets[key] = (max(0.0, left - 1), now)
        if left < 1:
            raise codes.TOO_MANY.error(limit=self.a_minute, seconds=max(1, round((1 - left) * 60 / self.a_minute)))
