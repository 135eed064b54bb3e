"""What holds for every request before a route sees it: its number, its size, how many there are, what is kept of it."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from ipaddress import ip_address, ip_network
from math import ceil
from urllib.parse import unquote_to_bytes

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bongsu.api.body_rates import OF_FILES, LeastRate
from bongsu.api.connections import MOST_HEAD_BYTES
from bongsu.domain.codes import api as codes
from bongsu.domain.messages import N_
from bongsu.domain.people import Actor
from bongsu.domain.phrases import phrase
from bongsu.domain.problems import BongsuError
from bongsu.domain.server_defaults import LANGUAGE
from bongsu.language.translation import preferred_language
from bongsu.service.buckets import Buckets

NUMBER_HEADER = "x-request-id"
_OBEYED = re.compile(r"[\x00-\x1f\x7f]")
# The same, but for what stands between lines and columns.
_BINARY = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# Of the name of a parameter, in a refusal.
_SHOWN = 40
_NUMBER = re.compile(r"[A-Za-z0-9._-]{8,64}")
# Of a request's body where a route does not take files.
MOST_BYTES = 2_000_000
# Of a body that somebody sends who is not known by then: forms of signing in.
MOST_OF_STRANGERS = 64 * 1024
# For how long nothing of a body may come, and until all of one is there that is no file.
BODY_PAUSE_S = 30.0
BODY_S = 120.0
_PROTECTING = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)


def broken_off(request: Request) -> BongsuError | None:
    """Why reading its body was given up; None if it was not."""
    found = getattr(request.state, "broken_off", None)
    return found if isinstance(found, BongsuError) else None


def request_id(request: Request) -> str:
    """The number of a request: the client's, if it gave a sensible one."""
    return str(getattr(request.state, "number", "-"))


def language_of(request: Request, wished: str = "", otherwise: str = LANGUAGE) -> str:
    """Of an answer: what the request asks for, else the server's own; ``otherwise`` if that has none."""
    own = getattr(request.app.state, "language", otherwise)
    return preferred_language(request.headers.get("accept-language"), own, wished)


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
                given = [*message["headers"], (NUMBER_HEADER.encode(), number.encode())]
                # MLflow says for itself how its pages may be framed; two answers to that would be none.
                said = {name.lower() for name, _value in given}
                message["headers"] = [*given, *(one for one in _PROTECTING if one[0] not in said)]
            await send(message)

        await self._app(scope, receive, numbered)


class Bounded:
    """Refuses heads and bodies that are too large, whether or not they say so beforehand, bodies that do not come, and
    paths and queries with control characters: ``api.head-too-large``, ``api.too-large``, ``api.too-slow``,
    ``api.no-such-route``, ``api.bad-request``.

    Args:
        app: what is protected.
        most_of: of a body at this path, in bytes; None where a route reads it piece by piece, under a limit of its own.
        takes_lines: whether texts in its query may have several lines.
        pause_s: for how long nothing of a body may come, in seconds.
        whole_s: until all of a body is there that has a limit here, in seconds.
        least: how fast one has to come that has none (``api.below-least-rate``).
        refuse: answers a request whose head is too large, or whose path or query is none.
    """

    def __init__(
        self,
        app: ASGIApp,
        most_of: Callable[[str], int | None],
        takes_lines: Callable[[str], bool],
        refuse: Callable[[Request, BongsuError], ASGIApp],
        pause_s: float = BODY_PAUSE_S,
        whole_s: float = BODY_S,
        least: LeastRate = OF_FILES,
    ) -> None:
        self._app = app
        self._most_of = most_of
        self._takes_lines = takes_lines
        self._refuse = refuse
        self._pause = pause_s
        self._whole = whole_s
        self._least = least

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        problem = self._fault_of_head(scope)
        if problem is not None:
            await self._refuse(Request(scope), problem)(scope, receive, send)
            return
        body = _Body(scope, receive, self._most_of(scope["path"]), self._pause, self._whole, self._least)
        await self._app(scope, body, send)

    def _fault_of_head(self, scope: Scope) -> BongsuError | None:
        if _head_bytes(scope) > MOST_HEAD_BYTES:
            return codes.HEAD_TOO_LARGE.error(limit=MOST_HEAD_BYTES)
        if sum(name == b"host" for name, _value in scope["headers"]) > 1:
            # RFC 9112, section 3.2: a proxy may have looked at the other one.
            return codes.SEVERAL_HOSTS.error()
        if _OBEYED.search(scope["path"]):
            # A pattern of a route may end before a line feed: `a%0a` would be `a`.
            return codes.NO_SUCH_ROUTE.error(path=scope["path"])
        unread = _unreadable(scope["query_string"], _BINARY if self._takes_lines(scope["path"]) else _OBEYED)
        if unread is None:
            return None
        told = phrase(N_("it has a control character, or is no UTF-8"))
        return codes.BAD_REQUEST.error(place=f"query.{unread}", detail=told)


class _Body:
    """What is received of a request, under its limits."""

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        most: int | None,
        pause_s: float,
        whole_s: float,
        least: LeastRate,
    ) -> None:
        stated = dict(scope["headers"]).get(b"content-length", b"")
        self._scope = scope
        self._receive = receive
        self._most = most
        self._pause = pause_s
        self._whole_s = whole_s
        self._until: float | None = None
        self._least = least
        self._waited = 0.0
        self._is_stated_too_large = most is not None and stated.isdigit() and int(stated) > most
        self._seen = 0
        self._is_whole = False

    async def __call__(self) -> Message:
        if self._is_whole:
            return await self._receive()  # until the client has left
        if self._is_stated_too_large:
            raise self._given_up(codes.TOO_LARGE.error(limit=self._most))
        patience, began = self._patience_s(), time.monotonic()
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, patience))
        except TimeoutError:
            if patience == self._pause:
                detail = phrase(N_("nothing of it came for {seconds} s"), seconds=round(self._pause))
            else:
                detail = phrase(N_("not all of it was there after {seconds} s"), seconds=round(self._whole_s))
            raise self._given_up(codes.TOO_SLOW.error(detail=detail)) from None
        self._seen += len(message.get("body", b""))
        if self._most is not None and self._seen > self._most:
            raise self._given_up(codes.TOO_LARGE.error(limit=self._most))
        self._is_whole = not message.get("more_body", False)
        self._waited += time.monotonic() - began
        slow = self._least.problem(self._seen, self._waited) if self._most is None else None
        if slow is not None and not self._is_whole:
            raise self._given_up(slow)
        return message

    def _patience_s(self) -> float:
        """For the next part: of files, however long they are, one a pause; else until the whole is due as well."""
        if self._most is None:
            return self._pause
        now = time.monotonic()
        self._until = self._until or now + self._whole_s
        return min(self._pause, self._until - now)

    def _given_up(self, why: BongsuError) -> BongsuError:
        # Whoever reads the body takes what is raised here for a body that cannot be read.
        self._scope.setdefault("state", {})["broken_off"] = why
        return why


def _unreadable(query: bytes, refused: re.Pattern[str]) -> str | None:
    """Name of a parameter that is no text, or has characters that are refused: no log takes them, and PostgreSQL no
    NUL. None if all can be read."""
    for part in query.split(b"&"):
        sent = unquote_to_bytes(part)
        try:
            is_text = not refused.search(sent.decode())  # what is no UTF-8, as half a surrogate, is none either
        except UnicodeDecodeError:
            is_text = False
        if not is_text:
            name = unquote_to_bytes(part.partition(b"=")[0]).decode(errors="replace")
            return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in name[:_SHOWN])
    return None


def _head_bytes(scope: Scope) -> int:
    return (
        len(scope.get("raw_path") or b"")
        + len(scope["query_string"])
        + sum(len(name) + len(value) for name, value in scope["headers"])
    )


def key_of_actor(actor: Actor) -> str:
    """For :class:`Rate`: who was verified."""
    return f"actor {actor.id}"


def key_of_address(scope: Scope) -> str:
    """For :class:`Rate`: where the request comes from. A network of IPv6 is one place: whoever has an address there has
    2**64 of them."""
    client = scope.get("client")
    address = client[0] if client else ""
    try:
        network = ip_network((address, 64 if ip_address(address).version == 6 else 32), strict=False)
    except ValueError:
        return f"address {address}"  # a socket of this machine has a name, or none
    return f"address {network}"


class Limited:
    """An application with a door of its own, behind a limit on how often somebody may knock: ``api.too-many``.

    Args:
        app: what is protected.
        rate: of the server.
        identity_of: says who asks; whoever is nobody is counted by address.
        refuse: answers a request that is one too many.
    """

    def __init__(
        self,
        app: ASGIApp,
        rate: Rate,
        identity_of: Callable[[Scope], Awaitable[Actor | BongsuError | None]],
        refuse: Callable[[Request, BongsuError], ASGIApp],
    ) -> None:
        self._app = app
        self._rate = rate
        self._identity_of = identity_of
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            found = await self._identity_of(scope)
            try:
                self._rate.take(key_of_actor(found) if isinstance(found, Actor) else key_of_address(scope))
            except BongsuError as error:
                await self._refuse(Request(scope), error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class Rate:
    """How many requests somebody may make.

    Args:
        a_minute: of each key; a quarter of it at once.
        monotonic: seconds that only grow.
    """

    def __init__(self, a_minute: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._buckets = Buckets(a_minute, max(1.0, a_minute / 4), monotonic)

    def take(self, key: str) -> None:
        """Raises ``api.too-many`` if the bucket is empty."""
        left = self._buckets.take(key)
        if left < 1:
            seconds = max(1, ceil(self._buckets.wait_s(left)))
            raise codes.TOO_MANY.error(limit=self._buckets.a_minute, seconds=seconds)
