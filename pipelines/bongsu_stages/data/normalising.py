"""One form for the same text: NFC, line ends, spaces, characters that nobody sees."""

from __future__ import annotations

import re
import unicodedata

_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069"
    "\u115f\u1160\u3164\uffa0\ufeff\ufffe\uffff\ud800-\udfff]"
)
_SELECTORS = re.compile("(?<=[\\d\\-\u2010-\u2015\u2212\u30fc\u3161\uff0d])[\ufe00-\ufe0f]+(?!\u20e3)")
_SPACES = re.compile("[\t \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_BLANK_LINES = re.compile("\n{3,}")


def normalise(text: str) -> str:
    """NFC, ``\\n`` line ends, one space for several, no space around line ends, at most one blank line.

    Control characters, zero-width spaces and joiners, marks of direction, soft hyphens and lone surrogates go,
    and so do variation selectors inside of numbers; those of emoji stay.
    Applied twice it changes nothing more. Source: Unicode Standard Annex 15.
    """
    text = _SELECTORS.sub("", _UNSEEN.sub("", _LINE_ENDS.sub("\n", text)))
    text = unicodedata.normalize("NFC", text)
    lines = (line.strip(" ") for line in _SPACES.sub(" ", text).split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")
