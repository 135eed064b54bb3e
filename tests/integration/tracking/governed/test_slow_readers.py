"""Who reads large files slowly keeps nobody from being answered, and holds none of it in the server's memory."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import psutil
import pytest
from governed_ids import A2, FILES, WRITER, World
from governed_plane import changing
from governed_world import LOGGED

from bongsu.artifacts.readers import OF_ONE
from bongsu.artifacts.sending import LOOK_AGAIN_S

MEBIBYTE = 2**20
SIZE = 20 * MEBIBYTE
NAME = "slowly.bin"
SOON_S = 10.0
LEAVING = 5


@pytest.fixture(scope="module")
def paths(world: World) -> list[str]:
    """Of one large file: MLflow's own application serves it at the first, its routes for files at the second."""
    own = world.ids[LOGGED.word]
    last = f"{FILES}/{own.place}/{NAME}"
    assert world.server.ask("PUT", last, WRITER, content=bytes(SIZE)).status_code == 200
    return [f"/get-artifact?run_id={own.run}&path={NAME}", last]


@contextmanager
def _slowly(world: World, path: str, count: int) -> Iterator[list[socket.socket]]:
    """So many readers who have read the first line of the answer, and go no further."""
    address = urlsplit(world.server.address)
    with ExitStack() as opened:
        readers = []
        for _ in range(count):
            reader = opened.enter_context(socket.socket())
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.settimeout(60)
            reader.connect((address.hostname, address.port))
            head = (
                f"GET {address.path}{path} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {WRITER}\r\n"
            )
            reader.sendall(f"{head}\r\n".encode())
            readers.append(reader)
        assert {reader.recv(12) for reader in readers} == {b"HTTP/1.1 200"}
        yield readers


def _resident(world: World) -> float:
    return float(psutil.Process(world.server.pid).memory_info().rss) / MEBIBYTE


@pytest.mark.parametrize("which", [0, 1], ids=["MLflow's application", "routes of files"])
def test_slow_readers_hold_up_nobody(world: World, paths: list[str], which: int) -> None:
    run = {"run_id": world.ids[LOGGED.word].run}
    before = _resident(world)
    with _slowly(world, paths[which], OF_ONE):
        for _ in range(3):
            began = time.monotonic()
            assert world.server.ask("GET", f"{A2}/runs/get", WRITER, params=run).status_code == 200
            assert time.monotonic() - began < SOON_S
        assert _resident(world) - before < OF_ONE * SIZE / MEBIBYTE / 4
        refused = world.server.ask("GET", paths[which], WRITER)
        assert (refused.status_code, refused.json()["error_code"]) == (429, "REQUEST_LIMIT_EXCEEDED")
        assert "retry-after" in refused.headers
        assert world.server.ask("GET", paths[which], "mnd-all").content == bytes(SIZE), "others read on"
    deadline = time.monotonic() + 60
    while world.server.ask("GET", paths[which], WRITER).status_code != 200:
        assert time.monotonic() < deadline, "who has left is no reader any more"
        time.sleep(0.2)


@pytest.mark.parametrize("which", [0, 1])
def test_a_file_comes_whole(world: World, paths: list[str], which: int) -> None:
    answer = world.server.ask("GET", paths[which], WRITER)
    assert (len(answer.content), answer.headers["content-length"]) == (SIZE, str(SIZE))
    assert world.server.ask("HEAD", paths[which], WRITER).content == b""


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=1-"}], ids=["whole", "part"])
@pytest.mark.parametrize("which", [0, 1])
def test_nothing_is_read_for_who_has_left(
    world: World, paths: list[str], which: int, headers: dict[str, str]
) -> None:
    before = _read(world)
    for _ in range(LEAVING):
        with world.server.client.stream(
            "GET", f"{world.server.address}{paths[which]}", headers={"Authorization": f"Bearer {WRITER}"} | headers
        ) as answer:
            assert answer.status_code in (200, 206)
            next(answer.iter_raw(300))
    time.sleep(2)
    assert _read(world) - before < LEAVING * SIZE / MEBIBYTE / 2


def _read(world: World) -> float:
    """What the server has read of files and connections; mebibytes."""
    return float(psutil.Process(world.server.pid).io_counters().read_chars) / MEBIBYTE


def test_who_is_disabled_meanwhile_gets_no_more_of_a_file(world: World, paths: list[str]) -> None:
    """Until then whoever reads slowly reads on, and is looked at more than once."""
    with ExitStack() as opened, changing(world.server.plane, WRITER, {"disabled_at": 1.0}) as disable:
        readers = [reader for path in paths for reader in opened.enter_context(_slowly(world, path, 1))]
        seen = dict.fromkeys(readers, 0)
        _read_slowly(seen, 2.5 * LOOK_AGAIN_S)
        assert all(count > 0 for count in seen.values())
        disable()
        _read_slowly(seen, 2 * LOOK_AGAIN_S)
        for reader in readers:
            while piece := reader.recv(MEBIBYTE):
                seen[reader] += len(piece)
    assert all(count < SIZE for count in seen.values()), list(seen.values())
    for path in paths:
        assert len(world.server.ask("GET", path, WRITER).content) == SIZE, "others read a file to its end"


def _read_slowly(seen: dict[socket.socket, int], seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for reader in seen:
            piece = reader.recv(16 * 1024)
            seen[reader] += len(piece)
        time.sleep(0.05)
