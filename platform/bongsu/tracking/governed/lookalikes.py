"""Keys whose first part reads as a word that is not theirs to use."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import dropwhile, takewhile

from bongsu.policy.folding import fold

# Beside what folding makes plain: letters that a reader takes for each other, in one direction each.
_READ_AS = str.maketrans("qv", "gu")
_STROKES = ("Lm", "Sk")
# Letters of these look like no Latin ones.
_APART = ("HANGUL", "CJK", "HIRAGANA", "KATAKANA")
# So many letters of a word have to be there before others are taken for look-alikes of the rest.
_SURE = 2


@dataclass(frozen=True)
class _Seen:
    """A character as a reader sees it; ``foreign`` of what is no ASCII and no letter of Korea, China or Japan."""

    text: str
    foreign: bool

    @property
    def counts(self) -> bool:
        return self.text.isalnum() and unicodedata.category(self.text) not in _STROKES

    @property
    def may_part(self) -> bool:
        """It is a dot, or a sign that could be taken for one."""
        return self.text == "." or (not self.text.isascii() and unicodedata.category(self.text)[0] in "PS")

    def may_be(self, letter: str) -> bool:
        return self.text == letter or self.foreign or self.text.isdigit()


def reads_as(key: str, word: str) -> bool:
    """Whether the part of a key before its first dot would be read as a word, e.g. ``b0ngsu .label`` as ``bongsu``.

    Folding knows the look-alikes that people use, and no table knows all: a figure, and a letter of another alphabet,
    may be any letter (Unicode UTS 39 lists some 6,000 such pairs). Marks and blanks do not count. A key without a dot
    is one part, and reads as nothing.

    Args:
        key: of a tag or a parameter.
        word: of small Latin letters.
    """
    seen = list(dropwhile(lambda one: not one.counts, _seen(key)))
    first = list(takewhile(lambda one: not one.may_part, seen))
    letters = [one for one in first if one.counts]
    if len(first) == len(seen) or len(letters) != len(word):
        return False
    pairs = list(zip(letters, word, strict=True))
    sure = sum(one.text == letter for one, letter in pairs)
    return sure >= _SURE and all(one.may_be(letter) for one, letter in pairs)


def _seen(key: str) -> Iterator[_Seen]:
    for character in unicodedata.normalize("NFD", unicodedata.normalize("NFKC", key)):
        foreign = not character.isascii() and not unicodedata.name(character, "").startswith(_APART)
        for text in fold(character).lower().translate(_READ_AS):
            if unicodedata.category(text)[0] != "M":
                yield _Seen(text, foreign)
