"""Requests to a server: signed, repeated where that is safe, and errors as the server means them."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx

from bongsu import __version__
from bongsu.client.unreached import why
from bongsu.domain.codes import client as codes
from bongsu.domain.problems import BongsuError, Code, Location, Problem
from bongsu.domain.read_documents import Unlike, items, part, read
from bongsu.machine.certificates import trusted_certificates

T = TypeVar("T")
Tokens = Callable[[bool], str]
"""The access token; a new one if the argument says that the old one was refused."""
TIMEOUT_S = 60.0
# What was sent waits for its turn, and is unpacked, before there is an answer; whoever leaves meanwhile has to send it
# once more.
TAKING_S = 3600.0
_TRIES = 4
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
_WRONG_INPUT = 2
# The server, or something before it, is not there for the moment (RFC 9110, 15.6).
_FOR_NOW = (429, 502, 503, 504)


class Server:
    """One server, for one person.

    Args:
        url: where it is, without a path behind it.
        tokens: of the person.
        language: ``ko`` or ``en``.
        sleep: waits some seconds.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        url: str,
        tokens: Tokens,
        language: str,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.url = url.rstrip("/")
        self._tokens = tokens
        self._sleep = sleep
        self._clock = clock
        headers = {"Accept-Language": language, "User-Agent": f"bongsu/{__version__}"}
        # The system's proxies are for the world outside: a control plane is not there.
        self._http = httpx.Client(
            base_url=self.url, headers=headers, timeout=TIMEOUT_S, trust_env=False, verify=trusted_certificates()
        )

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, kind: type[T], /, **query: Any) -> T:
        """A document, read as ``kind``."""
        return self._as(kind, path, self.json("GET", path, query=query))

    def pages(self, path: str, kind: type[T], /, most: int | None = None, **query: Any) -> Iterator[T]:
        """The items of a list, read as ``kind``, page by page to its end; ``most`` at most."""
        for item in self.items(path, most, **query):
            yield self._as(kind, path, item)

    def items(self, path: str, /, most: int | None = None, **query: Any) -> Iterator[Any]:
        """As :meth:`pages`, each item as the server tells it."""
        left = most
        cursor = ""
        while left is None or left > 0:
            limit = 500 if left is None else min(left, 500)
            page = self.json("GET", path, query={**query, "limit": limit, "cursor": cursor})
            with self.understood(path):
                found, cursor = items(page, "items"), part(page, "next")
            yield from found
            left = left - len(found) if left is not None else None
            if not cursor:
                return

    def made(self, path: str, kind: type[T], body: Any = None) -> T:
        """What came of a change that was asked for as :meth:`post` does."""
        return self._as(kind, path, self.post(path, body))

    def made_once(self, path: str, kind: type[T], body: Any = None) -> T:
        """As :meth:`made`, asked for as :meth:`once` does."""
        return self._as(kind, path, self.once(path, body))

    def post(self, path: str, body: Any = None) -> Any:
        """Ask for a change that the server tells apart by its content, or for none. It is asked for again until there
        is an answer; where the server finds it done already, it answers as it did before."""
        return self.json("POST", path, body)

    def once(self, path: str, body: Any = None, key: str = "") -> Any:
        """Ask for a change that would be a second one if it were asked for twice. It is asked for again until there is
        an answer, each time under the same ``Idempotency-Key``, by which the server knows it.

        Args:
            path: of a route that reads that header.
            body: what is sent.
            key: one is drawn if none is given.
        """
        return self.json("POST", path, body, headers={"Idempotency-Key": key or uuid.uuid4().hex})

    def json(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The answer's document.

        Raises:
            BongsuError: what the server says is wrong; ``client.unreachable``, ``client.not-understood``,
                ``client.sign-in-again``.
        """
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        kind = {"Content-Type": "application/json"} if content is not None else {}
        response = self._send(method, path, content, query or {}, {**kind, **(headers or {})})
        return self._document(response)

    def text(self, path: str, **query: Any) -> str:
        """A page that is no JSON."""
        return self._send("GET", path, None, query, {}).text

    def upload(self, path: str, pieces: Callable[[], Iterator[bytes]], **query: Any) -> Any:
        """Send bytes; the same bytes twice are the same artifact, so they are sent again if there was no answer."""
        response = self._send("POST", path, pieces, query, {"Content-Type": "application/x-tar"})
        return self._document(response)

    def uploaded(self, path: str, kind: type[T], pieces: Callable[[], Iterator[bytes]], **query: Any) -> T:
        """What came of bytes that were sent as :meth:`upload` sends them."""
        return self._as(kind, path, self.upload(path, pieces, **query))

    def lines(self, path: str, **query: Any) -> Iterator[Any]:
        """The documents of a stream of JSON lines, as they come."""
        for line in self.text_lines(path, **query):
            if line.strip():
                yield json.loads(line)

    def text_lines(self, path: str, **query: Any) -> Iterator[str]:
        """The lines of such a stream with their ends. What else ends a line in Unicode may stand within one."""
        begun = b""
        with self._stream(path, query, "application/x-ndjson") as response:
            for piece in response.iter_bytes():
                *whole, begun = (begun + piece).split(b"\n")
                for line in whole:
                    yield f"{line.decode()}\n"
        if begun:
            yield begun.decode()

    @contextmanager
    def download(self, path: str, accept: str, **query: Any) -> Iterator[tuple[Mapping[str, str], Iterator[bytes]]]:
        """Headers and bytes of a file, which is as long as the server said or raises ``client.unreachable``."""
        with self._stream(path, query, accept) as response:
            yield response.headers, response.iter_bytes()

    def _document(self, response: httpx.Response) -> Any:
        try:
            return response.json()
        except ValueError as error:
            raise codes.NOT_UNDERSTOOD.error(url=self.url, detail=str(error)) from error

    @contextmanager
    def _stream(self, path: str, query: Mapping[str, Any], accept: str) -> Iterator[httpx.Response]:
        headers = {"Accept": accept, "Authorization": f"Bearer {self._tokens(False)}"}
        with self._reached():
            timeout = httpx.Timeout(TIMEOUT_S, read=None)
            with self._http.stream("GET", path, params=_given(query), headers=headers, timeout=timeout) as response:
                if response.is_error:
                    response.read()
                    raise self._error(response)
                yield response

    def _send(
        self,
        method: str,
        path: str,
        content: bytes | Callable[[], Iterator[bytes]] | None,
        query: Mapping[str, Any],
        headers: Mapping[str, str],
    ) -> httpx.Response:
        is_refused = False
        pause = _FIRST_PAUSE_S
        patience = httpx.Timeout(TIMEOUT_S, read=TAKING_S if callable(content) else TIMEOUT_S)
        left = _TRIES
        while True:
            left -= 1
            signed = {**headers, "Authorization": f"Bearer {self._tokens(is_refused)}"}
            body = content() if callable(content) else content
            try:
                with self._reached():
                    response = self._http.request(
                        method, path, params=_given(query), headers=signed, content=body, timeout=patience
                    )
            except BongsuError:
                if not left:
                    raise
            else:
                if response.is_success:
                    return response
                was_refused, is_refused = is_refused, response.status_code == 401
                if not left or (is_refused and was_refused) or not (is_refused or response.status_code in _FOR_NOW):
                    raise self._error(response)
                pause = max(pause, min(_LONGEST_PAUSE_S, _seconds_asked(response, self._clock())))
            if not is_refused:
                self._sleep(pause)
                pause *= 2

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except httpx.InvalidURL as error:
            raise codes.BAD_SERVER_URL.error(url=self.url, detail=str(error)) from error
        except httpx.HTTPError as error:
            raise codes.UNREACHABLE.error(url=self.url, detail=why(error)) from error

    def _error(self, response: httpx.Response) -> BongsuError:
        try:
            document = response.json()
            problems = [_problem(one, document["exitCode"]) for one in document["problems"]]
            return BongsuError(problems)
        except (ValueError, KeyError, TypeError):
            detail = f"HTTP {response.status_code}"
            if response.status_code == 401:
                return codes.SIGN_IN_AGAIN.error(url=self.url)
            if response.status_code in _FOR_NOW:  # a proxy, for a server that is not there
                return codes.UNREACHABLE.error(url=self.url, detail=detail)
            return codes.NOT_UNDERSTOOD.error(url=self.url, detail=detail)

    def _as(self, kind: type[T], path: str, document: Any) -> T:
        with self.understood(path):
            return read(kind, document)

    @contextmanager
    def understood(self, path: str) -> Iterator[None]:
        """Around what reads a document of this address. Raises ``client.not-understood`` for one of another form, which
        readers say by Unlike; whatever else goes wrong is a mistake of this program, and is not laid at the server's
        door."""
        try:
            yield
        except Unlike as error:
            told = " ".join(str(error).split())[:300]
            raise codes.NOT_UNDERSTOOD.error(url=self.url, detail=f"{path}: {told}") from error


def problem_of(document: Mapping[str, Any]) -> Problem:
    """A warning or an obstacle as a server tells it, in the language that was asked for."""
    return _problem(document, _WRONG_INPUT)


def _problem(document: Mapping[str, Any], otherwise: int) -> Problem:
    """``otherwise`` is the exit status of one that does not tell its own: older servers tell that of all together."""
    what, fix = (str(part(document, name)).replace("{", "{{").replace("}", "}}") for name in ("message", "fix"))
    told = document.get("exitStatus")
    status = told if isinstance(told, int) else otherwise
    code = Code(part(document, "code"), what, fix, status, document.get("rule") or "")
    place = None
    if document.get("file") and document.get("line"):
        place = Location(document["file"], int(document["line"]), int(document["column"] or 1))
    return Problem(code, place, document.get("field") or "")


def _seconds_asked(response: httpx.Response, now: float) -> float:
    """How long it asks to wait: a number of seconds, or a date, as proxies have it (RFC 9110, 10.2.3). 0 if it does not
    say, or says something else."""
    text = response.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+", text):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
        return max(0.0, date.replace(tzinfo=date.tzinfo or UTC).timestamp() - now)
    except (ValueError, OverflowError):
        return 0.0


def _given(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value not in (None, "")}
