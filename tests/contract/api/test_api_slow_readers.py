"""Who reads large answers slowly holds little of them in the server's memory; who has left holds nothing."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import psutil
import pytest
from api_places import ApiPlace
from governed_places import SENSITIVE
from live_api import served
from sqlalchemy import update

from bongsu.api import connections
from bongsu.api.routes import artifacts
from bongsu.artifacts import sending
from bongsu.artifacts.readers import Readers
from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.service.artifacts import open_file
from bongsu.store.artifacts import note_artifact
from bongsu.store.schema_people import people

MEBIBYTE = 2**20
SIZE = 32 * MEBIBYTE
SOON_S = 20.0


class Zeros:
    """A large file, which tells what was read of it."""

    def __init__(self) -> None:
        self.count = 0
        self.closed = False

    def read(self, size: int) -> bytes:
        assert not self.closed
        piece = bytes(min(size, SIZE - self.count))
        self.count += len(piece)
        return piece

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def files() -> list[Zeros]:
    return []


@pytest.fixture
def place(tmp_path: Path, files: list[Zeros], monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiPlace]:
    """Where each person may read three files at once, all may read five, and each file is large."""
    made = ApiPlace(tmp_path)
    base = replace(made.plane.base, readers=Readers(3, 5))
    made.plane = made.app.state.plane = replace(made.plane, base=base)

    def large(*given: Any) -> tuple[BinaryIO | Zeros, int]:
        open_file(*given)[0].close()
        files.append(Zeros())
        return files[-1], SIZE

    monkeypatch.setattr(artifacts, "open_file", large)
    yield made
    made.close()


def _path(place: ApiPlace) -> str:
    return f"/v1/ministries/mnd/artifacts/{place.law}/files/file.txt"


def _begin(undo: ExitStack, url: str, path: str, person: str) -> socket.socket:
    """Reads the first line, and goes no further."""
    address = httpx.URL(url)
    opened = undo.enter_context(socket.socket())
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    opened.settimeout(SOON_S)
    opened.connect((address.host, address.port))
    opened.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {person}\r\n\r\n".encode())
    assert opened.recv(12) == b"HTTP/1.1 200"
    return opened


def _ask(url: str, path: str, person: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {person}"}
    return httpx.get(f"{url}{path}", headers=headers, timeout=SOON_S, trust_env=False)


def soon(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_slow_readers_are_few_and_hold_little(place: ApiPlace, files: list[Zeros]) -> None:
    path = _path(place)
    with served(place) as url, ExitStack() as undo:
        before = psutil.Process().memory_info().rss
        for _ in range(3):
            _begin(undo, url, path, "kim")
        refused = _ask(url, path, "kim")
        assert (refused.status_code, refused.json()["code"]) == (429, "api.too-many-read")
        assert refused.headers["retry-after"] == "2"
        assert len(files) == 3, "nothing is opened for who is refused"
        time.sleep(0.5)
        # What the kernel buffers of a connection is not the server's.
        assert all(file.count < SIZE / 2 for file in files[:3])
        assert psutil.Process().memory_info().rss - before < SIZE
        assert len(_ask(url, path, "dc").content) == SIZE, "others read on"
        assert _ask(url, "/v1/me", "kim").status_code == 200


def test_who_has_left_holds_nothing(place: ApiPlace, files: list[Zeros]) -> None:
    path = _path(place)
    with served(place) as url:
        with ExitStack() as undo:
            for _ in range(3):
                _begin(undo, url, path, "kim")
        soon(lambda: all(file.closed for file in files))
        assert all(file.count < SIZE for file in files), "nothing is read for nobody"
        assert len(_ask(url, path, "kim").content) == SIZE


def test_who_stays_and_reads_nothing_is_let_go_of(
    place: ApiPlace, files: list[Zeros], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "READ_PAUSE_S", 1.0)
    path = _path(place)
    with served(place) as url, ExitStack() as undo:
        idle, slow = _begin(undo, url, path, "kim"), _begin(undo, url, path, "dc")
        soon(lambda: read_some(slow) and files[0].closed)
        assert files[0].count < SIZE
        assert not files[1].closed, "whoever reads at all may go on"
        read_to_the_end(idle)
        assert len(_ask(url, path, "kim").content) == SIZE


@pytest.mark.parametrize("how", ["disabled", "raised"])
def test_who_may_no_longer_see_a_file_gets_no_more_of_it(
    place: ApiPlace, files: list[Zeros], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(sending, "LOOK_AGAIN_S", 0.1)
    with served(place) as url, ExitStack() as undo:
        reader, other = (_begin(undo, url, _path(place), person) for person in ("kim", "dc"))
        for connection in (reader, other):
            connection.recv(MEBIBYTE // 16)
        with place.platform.write() as connection:
            if how == "disabled":
                connection.execute(update(people).where(people.c.id == "kim").values(disabled_at=place.now))
            else:
                connection.execute(update(people).where(people.c.id == "kim").values(clearance="O"))
                connection.execute(update(people).where(people.c.id == "dc").values(clearance="S"))
                ref = ArtifactRef(digest=place.law, type=ArtifactType.DOCUMENTS, label=SENSITIVE, size=SIZE)
                note_artifact(connection, ref, "law", place.now)
        assert read_to_the_end(reader) < SIZE - MEBIBYTE
        soon(lambda: files[0].closed)
        assert files[0].count < SIZE
        assert read_to_the_end(other) > SIZE - MEBIBYTE, "others read on"
    read = [json.loads(row[2]) for row in place.log("mnd")]
    noted = {(one["actor"], one["label"]) for one in read if one["object"] == f"artifact:{place.law}"}
    assert (("dc", "S") in noted) is (how == "raised"), "that they read on what has risen is on record"


def read_some(connection: socket.socket) -> bool:
    return bool(connection.recv(4 * MEBIBYTE // 64))


def read_to_the_end(connection: socket.socket) -> int:
    """As many bytes as there are until it is over."""
    count = 0
    try:
        while piece := connection.recv(MEBIBYTE):
            count += len(piece)
            if count >= SIZE:
                break
    except ConnectionResetError:
        pass
    return count


@pytest.mark.parametrize("what", ["file", "log", "bundle"])
def test_every_large_answer_counts(place: ApiPlace, what: str) -> None:
    paths = {
        "file": ("kim", _path(place)),
        "log": ("aud", "/v1/ministries/mnd/audit/export"),
        "bundle": ("kim", "/v1/ministries/mnd/models/law/1/bundle?target=army"),
    }
    person, path = paths[what]
    before = place.log("mnd")
    with ExitStack() as held:
        for _ in range(3):
            held.enter_context(place.plane.base.readers.one_more(place.actor(person).id))
        refused = place.ask(person, "GET", path)
    assert (refused.status_code, refused.json()["code"]) == (429, "api.too-many-read")
    assert place.log("mnd") == before, "nothing was given, and nothing says so"
