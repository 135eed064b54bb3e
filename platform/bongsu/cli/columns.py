"""Two columns of a help page, measured as a terminal shows them: a wide character takes two cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from unicodedata import east_asian_width

# As Typer has it for itself.
_WIDEST_FIRST = 30
_GAP = 2
_NARROWEST_SECOND = 10


def two_columns(rows: Sequence[tuple[str, str]], width: int, indent: int) -> Iterator[str]:
    """Lines of at most ``width`` cells. A term that is too long for its column has what it means below it.

    Args:
        rows: a term, and what it means.
        width: of the page in cells.
        indent: cells before every line.
    """
    column = min(max((cells(term) for term, _ in rows), default=0), _WIDEST_FIRST) + _GAP
    for term, meaning in rows:
        lines = list(_wrapped(meaning, max(width - indent - column, _NARROWEST_SECOND)))
        room = column - cells(term)
        if room >= _GAP and lines:
            yield " " * indent + term + " " * room + lines.pop(0)
        else:
            yield " " * indent + term
        for line in lines:
            yield " " * (indent + column) + line


def cells(text: str) -> int:
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _wrapped(text: str, width: int) -> Iterator[str]:
    """Words as many as fit; one that is longer than a line stands alone."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if line and cells(longer) > width:
            yield line
            longer = word
        line = longer
    if line:
        yield line
