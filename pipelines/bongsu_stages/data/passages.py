"""Cutting a document into passages: the pieces that go to one side of a split as a whole."""

from __future__ import annotations

import zlib

_ONE_IN = 4


def passages(text: str, characters: int) -> list[str]:
    """Consecutive pieces of about ``characters`` characters that end at line breaks; joined they are ``text``.

    Where a piece ends depends on the lines around it and not on the distance from the start (content-defined
    chunking, as in LBFS, Muthitacharoen et al. 2001): text that stands in two documents is cut alike in both.
    Lines longer than ``characters`` are cut.
    """
    pieces: list[str] = []
    held: list[str] = []
    length = 0
    for line in _lines(text, characters):
        held.append(line)
        length += len(line)
        if length >= characters or (2 * length >= characters and _is_boundary(line)):
            pieces.append("".join(held))
            held, length = [], 0
    if held:
        pieces.append("".join(held))
    return pieces


def _lines(text: str, longest: int) -> list[str]:
    lines = []
    for line in text.splitlines(keepends=True):
        lines += [line[start : start + longest] for start in range(0, len(line), longest)]
    return lines


def _is_boundary(line: str) -> bool:
    words = "".join(line.split())
    return bool(words) and zlib.crc32(words.encode("utf-8", "surrogatepass")) % _ONE_IN == 0
