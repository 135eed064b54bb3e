"""The command line in this process: arguments in, exit status and texts out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_shell import Said, Shell

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
