"""Nothing of a body is taken before it is known who sends it, and nobody sends one for ever."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from api_places import ApiPlace
from fastapi import Request
from live_api import served
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bongsu.api import connections
from bongsu.api.app import described_app
from bongsu.api.asking import unstated
from bongsu.api.requests import MOST_BYTES, MOST_OF_STRANGERS, Bounded, broken_off
from bongsu.domain.problems import BongsuError

SOON_S = 10.0
RUNS = "/v1/runs"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[ApiPlace]:
    made = ApiPlace(tmp_path)
    yield made
    made.close()


@contextmanager
def begun(url: str, path: str, authorization: str = "", length: int = MOST_BYTES) -> Iterator[socket.socket]:
    """A request of which only the head was sent."""
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port), SOON_S) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n"
        head += f"Authorization: {authorization}\r\n" if authorization else ""
        connection.sendall(f"{head}\r\n".encode())
        yield connection


def send_slowly(connection: socket.socket) -> None:
    deadline = time.monotonic() + SOON_S
    while time.monotonic() < deadline:
        connection.sendall(b" ")
        time.sleep(0.05)


@pytest.mark.parametrize("authorization", ["", "Bearer nobody-s"], ids=["no token", "no good token"])
def test_a_stranger_is_refused_before_anything_of_the_body_is_there(place: ApiPlace, authorization: str) -> None:
    with served(place) as url, begun(url, RUNS, authorization) as connection:
        assert connection.recv(12) == b"HTTP/1.1 401"


def test_who_is_too_many_is_refused_before_anything_of_the_body_is_there(tmp_path: Path) -> None:
    place = ApiPlace(tmp_path, requests_a_minute=4)
    try:
        with served(place) as url:
            while httpx.get(f"{url}/v1/me", headers={"Authorization": "Bearer kim"}).status_code == 200:
                pass
            with begun(url, RUNS, "Bearer kim") as connection:
                assert connection.recv(12) == b"HTTP/1.1 429"
    finally:
        place.close()


def test_who_goes_on_sending_after_the_answer_is_let_go_of(
    place: ApiPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "REST_S", 0.5)
    with served(place) as url, begun(url, RUNS) as connection:
        assert connection.recv(12) == b"HTTP/1.1 401"
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            send_slowly(connection)


def test_who_has_sent_all_of_it_may_ask_on(place: ApiPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "REST_S", 0.5)
    with served(place) as url, begun(url, RUNS, length=2) as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 401")
        connection.sendall(b"{}")
        time.sleep(1.0)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")


def test_a_request_is_counted_once(tmp_path: Path) -> None:
    place = ApiPlace(tmp_path, requests_a_minute=8)
    try:
        codes = [
            place.ask("kim", "POST", "/v1/pipelines/validate", json={"text": "x"}).status_code for _ in range(3)
        ]
    finally:
        place.close()
    assert codes == [422, 422, 429], "two at once, a quarter of eight"


def test_every_route_with_a_body_asks_first() -> None:
    app = described_app()
    assert not list(unstated(app))

    @app.post("/v1/late", openapi_extra={"x-permission": "signed-in"})
    def late(body: dict[str, str]) -> None:
        """Reads its body first."""

    assert list(unstated(app)) == ["POST /v1/late"]


# -- the limits themselves -------------------------------------------------------------------------------------------


def asked(most: int | None, parts: list[bytes], gap_s: float = 0.0, **limits: float) -> BongsuError | None:
    """Why the body was given up, of a request whose body comes in these parts."""
    why: list[BongsuError | None] = []

    async def reads(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            while (await receive()).get("more_body"):
                pass
        except BongsuError:
            pass
        why.append(broken_off(Request(scope)))

    def refuse(_request: object, error: BongsuError) -> ASGIApp:
        return PlainTextResponse(str(error))

    app = Bounded(reads, lambda _path: most, lambda _path: False, refuse, **limits)
    coming = iter(parts)

    async def receive() -> Message:
        await asyncio.sleep(gap_s)
        part = next(coming, None)
        return {"type": "http.request", "body": part or b"", "more_body": part is not None}

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}
    asyncio.run(app(scope, receive, _hear))
    return why[0]


async def _hear(_message: Message) -> None:
    """Nobody listens."""


def test_forms_of_strangers_are_short() -> None:
    refused = asked(MOST_OF_STRANGERS, [bytes(MOST_OF_STRANGERS), b"x"])
    assert refused is not None
    assert refused.problems[0].code.name == "api.too-large"
    assert asked(MOST_OF_STRANGERS, [bytes(MOST_OF_STRANGERS)]) is None


def test_a_body_that_never_pauses_and_never_ends_is_given_up() -> None:
    refused = asked(MOST_BYTES, [b"x"] * 100, gap_s=0.02, whole_s=0.2)
    assert refused is not None
    assert refused.problems[0].code.name == "api.too-slow"
    assert "not all of it was there" in refused.problems[0].what()
    assert asked(MOST_BYTES, [b"x"] * 3, gap_s=0.02, whole_s=5.0) is None


@pytest.mark.parametrize("most", [None, MOST_BYTES], ids=["a file", "none"])
def test_a_body_that_pauses_is_given_up(most: int | None) -> None:
    refused = asked(most, [b"x"] * 3, gap_s=0.3, pause_s=0.1)
    assert refused is not None
    assert "nothing of it came for" in refused.problems[0].what()
