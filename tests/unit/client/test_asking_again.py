"""A client asks again after as long as the server, or a proxy before it, says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from bongsu.client import http
from bongsu.client.http import Server

NOW = 784111777.0  # Sun, 06 Nov 1994 08:49:37 GMT


class Busy(ThreadingHTTPServer):
    """Refuses the first request for now, and answers the next one."""

    def __init__(self, wait: str) -> None:
        self.wait = wait
        self.keys: list[str | None] = []
        self.answer_after_s = 0.0
        super().__init__(("127.0.0.1", 0), _Handler)
        self._thread = Thread(target=self.serve_forever, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Busy

    def do_POST(self) -> None:
        self.server.keys.append(self.headers["Idempotency-Key"])
        is_first = len(self.server.keys) == 1
        body = b"{}"
        time.sleep(self.server.answer_after_s)
        self.send_response(503 if is_first else 200)
        if is_first:
            self.send_header("Retry-After", self.server.wait)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_given: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def busy(request: pytest.FixtureRequest) -> Iterator[Busy]:
    made = Busy(request.param)
    yield made
    made.end()


@pytest.mark.parametrize(
    ("busy", "pause"),
    [
        ("2", 2.0),
        ("900", 5.0),
        ("9" * 400, 5.0),
        ("Sun, 06 Nov 1994 08:49:40 GMT", 3.0),
        ("Sunday, 06-Nov-94 08:49:40 GMT", 3.0),
        ("Sun Nov  6 08:49:40 1994", 3.0),
        ("Sun, 06 Nov 1994 09:49:40 GMT", 5.0),
        ("Sun, 06 Nov 1994 08:49:00 GMT", 0.2),
        ("", 0.2),
        ("soon", 0.2),
        ("-1", 0.2),
        ("nan", 0.2),
        ("Sun, 99 Nov 1994 08:49:40 GMT", 0.2),
    ],
    indirect=["busy"],
)
def test_it_waits_for_as_long_as_it_is_asked_to_in_either_form(busy: Busy, pause: float) -> None:
    pauses: list[float] = []
    server = Server(busy.url, lambda _anew: "t", "en", pauses.append, lambda: NOW)
    assert server.post("/v1/suspensions") == {}
    server.close()
    assert pauses == [pause]
    assert len(busy.keys) == 2


@pytest.mark.parametrize("busy", ["0"], indirect=True)
def test_what_is_to_be_done_once_is_asked_for_again_under_one_key(busy: Busy) -> None:
    server = Server(busy.url, lambda _anew: "t", "en", lambda _pause: None)
    assert server.once("/v1/runs", {}) == {}
    assert server.once("/v1/runs", {}, "mine") == {}
    server.close()
    first, again, named = busy.keys
    assert first == again != named == "mine"
    assert len(first or "") == 32


@pytest.mark.parametrize("busy", ["0"], indirect=True)
def test_no_key_is_sent_to_a_route_that_reads_none(busy: Busy) -> None:
    server = Server(busy.url, lambda _anew: "t", "en", lambda _pause: None)
    assert server.post("/v1/suspensions", {}) == {}
    server.close()
    assert busy.keys == [None, None]


@pytest.mark.parametrize("busy", ["0"], indirect=True)
def test_whoever_sends_files_waits_longer_than_who_asks(busy: Busy, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server takes in few uploads at once: whoever leaves would have to send them again."""
    monkeypatch.setattr(http, "TIMEOUT_S", 0.5)
    busy.answer_after_s = 1.0
    server = Server(busy.url, lambda _again: "token", "en", lambda _seconds: None)
    assert server.upload("/files", lambda: iter([b"files"])) == {}
    assert len(busy.keys) == 2, "one that was refused for now, and one"
    server.close()
