"""Tabs in the indentation: all of them, and the text as it reads with spaces in their place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from bongsu.domain.problems import Location

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
_BLANKS = re.compile(r"[ \t]*")
# A block of text begins behind it; its lines are the writer's own.
_BLOCK = re.compile(r"(?:^|[\s:\-])[|>][-+0-9]*[ \t]*(?:#.*)?$")
_WIDTHS = (2, 4, 6, 8)


@dataclass(frozen=True)
class Spaced:
    """A text with spaces in place of tabs.

    Attributes:
        widths: by number of a line that had tabs: columns of its indentation as written and as it is here.
    """

    text: str
    widths: dict[int, tuple[int, int]] = field(default_factory=dict)

    def as_written(self, place: Location) -> Location:
        """The place in the text with tabs."""
        written, here = self.widths.get(place.line, (0, 0))
        if place.column > here:
            return replace(place, column=place.column - here + written)
        return replace(place, column=min(place.column, written + 1))


def tabs_in(text: str) -> list[int]:
    """Where the first tab of each indentation stands that holds one, outside of blocks of text."""
    found = []
    block: int | None = None
    for match in _LINE.finditer(text):
        line = match[0].rstrip("\r\n")
        blanks = _BLANKS.match(line)
        indent = blanks[0] if blanks else ""
        if indent == line:
            continue
        spaces = len(indent) - len(indent.lstrip(" "))
        if block is not None and spaces > block:
            continue
        block = len(indent) if _BLOCK.search(line) else None
        if "\t" in indent:
            found.append(match.start() + spaces)
    return found


def spaced(text: str) -> Iterator[Spaced]:
    """The text with tabs of a few widths."""
    starts = set(tabs_in(text))
    for width in _WIDTHS:
        pieces: list[str] = []
        widths = {}
        for number, match in enumerate(_LINE.finditer(text), 1):
            blanks = _BLANKS.match(match[0])
            indent = blanks[0] if blanks else ""
            if match.start() + len(indent) - len(indent.lstrip(" ")) in starts and "\t" in indent:
                widths[number] = (len(indent), len(indent.expandtabs(width)))
                pieces.append(indent.expandtabs(width) + match[0][len(indent) :])
            else:
                pieces.append(match[0])
        yield Spaced("".join(pieces), widths)
