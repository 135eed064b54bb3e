"""Runbooks as they are followed: their blocks of code, run word for word with a test's names in place of theirs."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"
STEP_S = 180.0
_BLOCK = re.compile(r"^<!-- (?P<name>[a-z ]+) -->\n```\w+\n(?P<text>.*?)^```$", re.M | re.S)


def blocks(page: str) -> dict[str, list[str]]:
    """The marked blocks of a page by their names, in their order."""
    found: dict[str, list[str]] = {}
    for match in _BLOCK.finditer((RUNBOOKS / page).read_text()):
        found.setdefault(match["name"], []).append(match["text"])
    return found


@dataclass(frozen=True)
class Reader:
    """Who follows runbooks.

    Attributes:
        folder: where they stand.
        names: what pages call things, and what these are here; the first that fits is taken.
        environment: of their shell.
    """

    folder: Path
    names: Mapping[str, str]
    environment: Mapping[str, str]

    def text(self, page: str, name: str) -> str:
        """A block, with the names of here."""
        return self.here("".join(blocks(page)[name]))

    def here(self, text: str) -> str:
        for theirs, ours in self.names.items():
            text = text.replace(theirs, ours)
        return text

    def follow(self, page: str, name: str) -> str:
        """Run a block; returns what it said. A status other than 0 of any of its commands fails the test."""
        return self.run(self.text(page, name))

    def run(self, commands: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=self.folder,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=STEP_S,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout
