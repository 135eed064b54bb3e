"""A file that Flask answers with is read as it is sent, and by nobody's thread in between."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from typing import Any

import anyio
import anyio.to_thread
import pytest
from flask import Flask, Response, request, send_file
from werkzeug.wsgi import wrap_file

from bongsu.artifacts.sending import PIECE
from bongsu.tracking.governed.file_responses import handing_over_files, taking

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.middleware.wsgi import WSGIMiddleware

PIECES = 40


class Read(io.BytesIO):
    """Counts what is read of it."""

    def __init__(self) -> None:
        super().__init__(bytes(PIECE * PIECES))
        self.count = 0

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self.count += len(found)
        return found


async def _still_may() -> bool:
    return True


@pytest.fixture
def files() -> list[Read]:
    return []


@pytest.fixture
def app(files: list[Read]) -> Iterator[Any]:
    made = Flask("files")

    def opened() -> Read:
        files.append(Read())
        return files[-1]

    @made.get("/sent")
    def sent() -> Response:
        return send_file(opened(), mimetype="application/octet-stream")

    @made.get("/wrapped")
    def wrapped() -> Response:
        return Response(wrap_file(request.environ, opened()), direct_passthrough=True)

    @made.get("/small")
    def small() -> str:
        return "small"

    with handing_over_files(made):
        yield WSGIMiddleware(made)


async def _still_may() -> bool:
    return True


async def _still_may() -> bool:
    return True


async def _ask(
    app: Any, path: str, goes_on: anyio.Event | None = None, has_left: anyio.Event | None = None
) -> bytes:
    """The body; ``goes_on``: until then, whoever asks has taken one piece and no more; ``has_left``: from then on,
    they are not there, and what is sent to them is dropped."""
    headers = [(b"range", b"bytes=1-")] if path == "/part" else []
    path = path.replace("/part", "/sent")
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": headers,
        "root_path": "",
    }
    body = b""
    has_left = has_left or anyio.Event()
    is_asked = False

    async def receive() -> dict[str, Any]:
        nonlocal is_asked
        if is_asked:
            await has_left.wait()
            return {"type": "http.disconnect"}
        is_asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        nonlocal body
        if has_left.is_set():
            return
        body += message.get("body", b"")
        if body and goes_on is not None:
            await goes_on.wait()

    with taking(_still_may) as taken:

        async def passed_on(message: Any) -> None:
            if message["type"] == "http.response.body" and taken.file is not None:
                await taken.send(receive, send)
            else:
                await send(message)

        await app(scope | {"http_version": "1.1"}, receive, passed_on)
    return body


@pytest.mark.parametrize("path", ["/sent", "/wrapped", "/part"])
def test_slow_readers_take_no_thread_and_no_more_than_a_piece(app: Any, files: list[Read], path: str) -> None:
    bodies: list[bytes] = []

    async def read(goes_on: anyio.Event) -> None:
        bodies.append(await _ask(app, path, goes_on))

    async def run() -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = 1
        goes_on = anyio.Event()
        async with anyio.create_task_group() as readers:
            for _ in range(5):
                readers.start_soon(read, goes_on)
            with anyio.fail_after(10):
                while len(files) < 5 or not all(file.count for file in files):
                    await anyio.sleep(0.01)
                assert await _ask(app, "/small") == b"small"
            assert [file.count for file in files] == [PIECE] * 5
            goes_on.set()

    anyio.run(run)
    assert {len(body) for body in bodies} == {PIECE * PIECES}
    assert all(file.closed for file in files), "what was made for an answer is let go of"


@pytest.mark.parametrize("path", ["/sent", "/wrapped"])
def test_for_who_has_left_nothing_more_is_read(app: Any, files: list[Read], path: str) -> None:
    async def run() -> None:
        goes_on, has_left = anyio.Event(), anyio.Event()
        with anyio.fail_after(10):
            async with anyio.create_task_group() as readers:
                readers.start_soon(_ask, app, path, goes_on, has_left)
                while not files or not files[0].count:
                    await anyio.sleep(0.01)
                has_left.set()
                await anyio.sleep(0.1)
                goes_on.set()

    anyio.run(run)
    assert files[0].count <= 2 * PIECE
    assert files[0].closed


def test_where_nobody_takes_files_they_are_sent_as_before(app: Any) -> None:
    async def ask() -> list[Any]:
        said: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            said.append(message)

        scope = {"type": "http", "method": "GET", "path": "/sent", "query_string": b"", "headers": []}
        await app(scope | {"http_version": "1.1", "root_path": ""}, receive, send)
        return said

    assert sum(len(message.get("body", b"")) for message in anyio.run(ask)) == PIECE * PIECES


def test_an_application_is_afterwards_what_it_was() -> None:
    made = Flask("files")
    before = made.wsgi_app
    with handing_over_files(made):
        assert made.wsgi_app != before
    assert made.wsgi_app == before
