"""Runbooks as they are followed: their blocks of code, run word for word with a test's names in place of theirs.

Every block of a page has a name in front of it, ``<!-- name -->``, and is followed by it. Only what a page states in
its table of names (``| here | what it is |``, its own or that of install.md) may have another one in a test.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from textwrap import dedent

RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"
STEP_S = 600.0
# The page that says how everything is called; others state what they have besides.
INSTALL = "install.md"
_FENCE = re.compile(
    r"^(?: *<!-- (?P<name>[a-z0-9 ]+) -->\n)?(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$",
    re.M | re.S,
)
_TABLE = re.compile(r"^\| here \| what it is \|\n\| --- \| --- \|\n(?P<rows>(?:\|.*\|\n)+)", re.M)
_NAME = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Block:
    """Attributes:
    page: file below docs/runbooks.
    name: by which tests follow it; empty if it has none.
    language: ``sh`` for commands, else what a file is written in.
    line: of its fence, from 1.
    text: as it stands there.
    """

    page: str
    name: str
    language: str
    line: int
    text: str

    @property
    def is_shell(self) -> bool:
        return self.language in ("sh", "bash", "shell", "console", "")


def blocks(page: str) -> list[Block]:
    """All of a page, in its order."""
    text = (RUNBOOKS / page).read_text()
    return [
        Block(page, match["name"] or "", match["language"], _line(text, match), dedent(match["text"]))
        for match in _FENCE.finditer(text)
    ]


def _line(text: str, match: re.Match[str]) -> int:
    return text.count("\n", 0, match.start()) + 1


def stated(page: str) -> frozenset[str]:
    """Names that differ from site to site, as the tables of the page and of install.md have them."""
    found: set[str] = set()
    for one in {page, INSTALL}:
        for table in _TABLE.finditer((RUNBOOKS / one).read_text()):
            found.update(name for row in table["rows"].splitlines() for name in _NAME.findall(row.split("|")[1]))
    return frozenset(found)


@dataclass(frozen=True)
class Reader:
    """Who follows runbooks.

    Attributes:
        folder: where they stand.
        names: what pages call things, and what these are here; the longest that fits is taken.
        environment: of their shell.
        followed: blocks that were followed, by whomever; each page is followed downwards.
        told: what commands said on standard error.
    """

    folder: Path
    names: Mapping[str, str]
    environment: Mapping[str, str]
    followed: list[Block] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def called(self, names: Mapping[str, str]) -> Reader:
        """The same one, where things have other names."""
        return replace(self, names=names)

    def text(self, page: str, name: str) -> str:
        """A block, with the names of here."""
        (block,) = [one for one in blocks(page) if one.name == name]
        above = [one for one in self.followed if one.page == page]
        assert not above or above[-1].line < block.line, f"{page}: {name!r} stands above {above[-1].name!r}"
        self.followed.append(block)
        return self.here(block.text, stated(page))

    def here(self, text: str, allowed: frozenset[str]) -> str:
        """Raises AssertionError for a name in the text that has another one here and is in none of the tables."""
        if not self.names:
            return text
        names = sorted(self.names, key=len, reverse=True)
        pattern = re.compile("|".join(rf"(?<![\w.-]){re.escape(name)}(?![\w-])" for name in names))

        def named(match: re.Match[str]) -> str:
            assert match[0] in allowed, f"no table of names has {match[0]}"
            return self.names[match[0]]

        return pattern.sub(named, text)

    def follow(self, page: str, name: str, typed: str = "") -> str:
        """Run a block; returns what it said. A status other than 0 of any of its commands fails the test.

        Args:
            page: file below docs/runbooks.
            name: of the block.
            typed: what somebody types when its commands ask.
        """
        return self.run(self.text(page, name), typed)

    def refused(self, page: str, name: str) -> str:
        """Run a block of which the page says that it is refused; returns why."""
        done = self._done(self.text(page, name))
        assert done.returncode != 0, done.stdout
        return done.stderr

    def sign_in(self, page: str, name: str, confirm: Callable[[str], None]) -> None:
        """Run a block that signs somebody in by code.

        Args:
            page: file below docs/runbooks.
            name: of the block.
            confirm: what they do in a browser, at the address that is shown.
        """
        command = ["bash", "-euo", "pipefail", "-c", self.text(page, name)]
        environment = {**os.environ, **self.environment}
        with subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, text=True
        ) as asking:
            assert asking.stdout is not None
            shown = next((found[0] for line in asking.stdout if (found := re.search(r"https?://\S+", line))), "")
            confirm(shown)
            asking.stdout.read()
        assert asking.returncode == 0

    def run(self, commands: str, typed: str = "") -> str:
        """Returns what it said on standard output; on standard error is kept in ``told``."""
        done = self._done(commands, typed)
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        self.told.append(done.stderr)
        return done.stdout

    def _done(self, commands: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=self.folder,
            env={**os.environ, **self.environment},
            input=typed,
            capture_output=True,
            text=True,
            timeout=STEP_S,
            check=False,
            # Without a terminal, whoever asks for a password reads it from standard input.
            start_new_session=True,
        )
