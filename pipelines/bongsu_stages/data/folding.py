"""One way to write what looks the same: the view of a text in which forms of numbers are looked for."""

from __future__ import annotations

import unicodedata

# Between digits people write all of these for a hyphen, the Korean vowel and the Japanese length mark included.
_HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2500\u2501\u30fc\u3161\ufe58\ufe63\uff0d\uff70"
_MIDDLE_DOTS = "\u00b7\u2022\u2219\u22c5\u30fb\u318d\uff65"
_TILDES = "\u223c\u301c\uff5e"
_STOPS = "\u3002\uff61"


class _Folded(dict[int, int]):
    """A table for ``str.translate`` that fills as characters are met."""

    def __missing__(self, code: int) -> int:
        self[code] = found = _folded(code)
        return found


def _folded(code: int) -> int:
    char = chr(code)
    if char.isdigit():
        return ord(str(unicodedata.digit(char)))
    compatible = unicodedata.normalize("NFKC", char)
    return ord(compatible) if len(compatible) == 1 and compatible.isascii() else code


_TABLE = _Folded(
    {ord(char): ord("-") for char in _HYPHENS}
    | {ord(char): ord("\u00b7") for char in _MIDDLE_DOTS}
    | {ord(char): ord("~") for char in _TILDES}
    | {ord(char): ord(".") for char in _STOPS}
)


def fold(text: str) -> str:
    """``text`` with ASCII in place of other scripts' digits, of full-width letters and signs, and of every kind of
    hyphen. As long as ``text``: places in one are places in the other."""
    return text.translate(_TABLE)
