"""One exchange with an identity provider: it ends when its time is over, and takes little memory, whatever the provider
does: it may send a byte of its headers each second, and pack gigabytes into a few kilobytes."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import copy_context
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

import httpx

MAX_ANSWER_BYTES = 256 * 1024
MOST_AT_ONCE = 8
"""Exchanges under way with one provider for one purpose, those too for which nobody waits any more."""
# Nothing is unpacked here, and each exchange has a connection of its own, which is cut when its time is over.
_HEADERS = {"Accept-Encoding": "identity", "Connection": "close"}
_CONNECTED = "connection.connect_tcp.complete"


class FetchError(Exception):
    """What was in the way; for the log."""


def provider_client(certificates: ssl.SSLContext) -> httpx.Client:
    """For one provider and one purpose alone, so that no other one waits for the connections that it takes up."""
    limits = httpx.Limits(max_connections=MOST_AT_ONCE, max_keepalive_connections=0)
    return httpx.Client(trust_env=False, verify=certificates, limits=limits)


class Line:
    """The connection of one exchange, which another thread may cut at any time, during the handshake of TLS too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_cut = False

    def note(self, event: str, info: Mapping[str, Any]) -> None:
        """Take notice of an event of the connection, as httpcore's extension ``trace`` tells it."""
        if event != _CONNECTED:
            return
        # A descriptor of our own: TLS takes the other one out of its object before it begins.
        taken: socket.socket = info["return_value"].get_extra_info("socket").dup()
        with self._lock:
            self._socket = taken
            if self._is_cut:
                _shut(taken)

    def cut(self) -> None:
        """Whoever reads or writes there stops at once."""
        with self._lock:
            self._is_cut = True
            if self._socket is not None:
                _shut(self._socket)

    def close(self) -> None:
        with self._lock:
            if self._socket is not None:
                self._socket.close()
            self._socket = None


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the other side was quicker
        connection.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True)
class Exchanges:
    """With one provider for one purpose.

    Attributes:
        client: which keeps no connections for later; threads may share it.
        limit_s: for each exchange in all.
        monotonic: seconds of a clock that is never set.
    """

    client: httpx.Client
    limit_s: float
    monotonic: Callable[[], float] = time.monotonic
    _places: threading.Semaphore = field(default_factory=lambda: threading.BoundedSemaphore(MOST_AT_ONCE))

    def ask(self, method: str, url: str, form: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """The status and the body of the answer. Waits for ``limit_s`` at most.

        Raises:
            FetchError: there is no answer, or it is too long, too slow or packed; or too many wait for one already.
        """
        if not self._places.acquire(blocking=False):
            raise FetchError(f"{url}: {MOST_AT_ONCE} exchanges are under way")
        line = Line()
        answers: SimpleQueue[tuple[int, bytes] | Exception] = SimpleQueue()

        def exchange() -> None:
            try:
                answers.put(self._read(line, method, url, form))
            except Exception as error:  # raised where the answer is waited for
                answers.put(error)
            finally:
                line.close()
                self._places.release()

        # As a daemon: the end of a process waits for no provider.
        thread = threading.Thread(
            target=copy_context().run, args=(exchange,), name="identity-provider", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:
            self._places.release()
            raise FetchError(f"{url}: {error}") from error
        try:
            found = answers.get(timeout=self.limit_s)
        except Empty:
            # Its thread ends with that; one that looks a name up, or connects, keeps its place until it has done so.
            line.cut()
            raise FetchError(f"{url}: the answer is too slow") from None
        if isinstance(found, (httpx.HTTPError, httpx.InvalidURL, OSError)):
            raise FetchError(f"{url}: {type(found).__name__}") from found
        if isinstance(found, Exception):
            raise found
        return found

    def _read(self, line: Line, method: str, url: str, form: Mapping[str, str] | None) -> tuple[int, bytes]:
        deadline = self.monotonic() + self.limit_s
        found = bytearray()
        with self.client.stream(
            method,
            url,
            data=form,
            headers=_HEADERS,
            timeout=self.limit_s,
            follow_redirects=False,
            extensions={"trace": line.note},
        ) as answer:
            if answer.headers.get("content-encoding", "identity").strip().lower() != "identity":
                raise FetchError(f"{url}: the answer is packed, and was asked for as it is")
            for piece in answer.iter_raw():
                found += piece
                if len(found) > MAX_ANSWER_BYTES or self.monotonic() > deadline:
                    raise FetchError(f"{url}: the answer is too long or too slow")
        return answer.status_code, bytes(found)
