"""What the server cannot do with a file is its own fault, and a name that no file has is not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest
from governed_ids import A2, FILES, WRITER, World
from governed_world import LOGGED

LONG = "n" * 300
DEEP = "/".join(["n" * 200] * 6)
MEBIBYTE = 2**20


@contextmanager
def _no_larger_files(world: World, most: int) -> Iterator[None]:
    """The server's process may write files up to so many bytes."""
    process = psutil.Process(world.server.pid)
    before = process.rlimit(psutil.RLIMIT_FSIZE)
    process.rlimit(psutil.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        process.rlimit(psutil.RLIMIT_FSIZE, before)


def test_what_the_server_fails_at_is_told_as_its_own(world: World) -> None:
    path = f"{FILES}/{world.ids[LOGGED.word].place}/large.bin"
    with _no_larger_files(world, 30 * MEBIBYTE):
        answer = world.server.ask("PUT", path, WRITER, content=bytes(31 * MEBIBYTE))
    assert (answer.status_code, answer.json()["error_code"]) == (500, "INTERNAL_ERROR"), answer.text
    assert "the server's log says why" in answer.json()["message"]
    assert world.server.ask("PUT", path, WRITER, content=bytes(31 * MEBIBYTE)).status_code == 200


@pytest.mark.parametrize("name", [LONG, DEEP, "\N{HANGUL SYLLABLE GA}" * 90], ids=["long", "deep", "Korean"])
def test_a_name_that_no_file_has_is_not_there(world: World, name: str) -> None:
    own = world.ids[LOGGED.word]
    asked = {
        f"{A2}/artifacts/list?run_id={own.run}&path={name}": 404,
        f"/get-artifact?run_id={own.run}&path={name}": 404,
        f"{FILES}/{own.place}/{name}": 404,
        f"{FILES}?path={own.place}/{name}": 404,
    }
    assert {path: world.server.ask("GET", path, WRITER).status_code for path in asked} == asked
    refused = world.server.ask("PUT", f"{FILES}/{own.place}/{name}", WRITER, content=b"x")
    assert (refused.status_code, refused.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "at most 255 bytes" in refused.json()["message"]


def test_the_longest_name_is_a_file(world: World) -> None:
    path = f"{FILES}/{world.ids[LOGGED.word].place}/{'n' * 255}"
    assert world.server.ask("PUT", path, WRITER, content=b"whole").status_code == 200
    assert world.server.ask("GET", path, WRITER).content == b"whole"
