"""What the server cannot do with a file is its own fault, and a name that no file has is not there."""

from __future__ import annotations

from pathlib import Path

import pytest
from governed_ids import A2, FILES, WRITER, World
from governed_world import LOGGED

LONG = "n" * 300
DEEP = "/".join(["n" * 200] * 6)


def _lies(world: World, name: str) -> Path:
    """Where a file of the run lies, below the server's own folder."""
    own = world.ids[LOGGED.word]
    root = next(one for one in world.server.home.rglob(own.run) if one.is_dir()) / "artifacts"
    return root / name


@pytest.mark.parametrize(
    ("name", "leads_to", "status", "said"),
    [("full.bin", "/dev/full", 507, "disk is full"), ("loop.bin", "loop.bin", 500, "the server's log says why")],
)
def test_what_the_server_fails_at_is_told_as_its_own(
    world: World, name: str, leads_to: str, status: int, said: str
) -> None:
    own = world.ids[LOGGED.word]
    assert world.server.ask("PUT", f"{FILES}/{own.place}/first.bin", WRITER, content=b"x").status_code == 200
    lies = _lies(world, name)
    lies.symlink_to(leads_to)
    answer = world.server.ask("PUT", f"{FILES}/{own.place}/{name}", WRITER, content=b"x" * 100_000)
    assert (answer.status_code, answer.json()["error_code"]) == (status, "INTERNAL_ERROR")
    assert said in answer.json()["message"]
    lies.unlink()
    assert world.server.ask("PUT", f"{FILES}/{own.place}/{name}", WRITER, content=b"x").status_code == 200


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
