"""The command line in this process: arguments in, exit status and texts out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from api_places import ApiPlace
from cli_shell import Said, Shell
from live_api import served, sign_in

from bongsu.cli.app import run
from bongsu.cli.texts import use_language


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Runs ``bongsu`` in a directory of its own with a fresh home, 80 columns wide."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BONGSU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("BONGSU_LANG", raising=False)

    def call(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["bongsu", *words])
        capsys.readouterr()
        status = run()
        captured = capsys.readouterr()
        return Said(status, captured.out, captured.err)

    return call


@pytest.fixture
def korean() -> Iterator[None]:
    use_language("ko")
    yield
    use_language("en")


As = Callable[..., Said]
"""Runs ``bongsu`` as one of the staff, whose name comes first."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[ApiPlace]:
    """What ministries share, behind a server."""
    folder = tmp_path / "server"
    folder.mkdir()
    made = ApiPlace(folder)
    yield made
    made.close()


@pytest.fixture
def ask(place: ApiPlace, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[As]:
    """The command line signed in at a server of this process; a word ``--in=MINISTRY`` before the command says in which
    ministry it acts."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.delenv("BONGSU_HOME")
    with served(place) as url:

        def call(person: str, *words: str) -> Said:
            acts_in = words[0].removeprefix("--in=") if words[0].startswith("--in=") else None
            sign_in(tmp_path / "settings", url, person, acts_in)
            return shell(*(words[1:] if acts_in else words))

        yield call
