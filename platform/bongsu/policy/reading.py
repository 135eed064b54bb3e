"""Ways in which a text can be read: as words, with names taken apart, and with disguised words put right."""

from __future__ import annotations

import re
from functools import cache

from bongsu.policy.folding import fold
from bongsu.policy.vocabulary import DISGUISED_EN, DISGUISED_KO

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
# The capitals stand for lethal autonomous weapon systems, unless what stands around is in capitals and about law.
_LAWS = re.compile(r"\bLAW[Ss]\b|\bL[. ]A[. ]W[. ]S\b")
_LEGAL = re.compile(r"\b(?:REGULATION|STATUTE|LEGAL|ORDINANCE|DECREE|COURT|KOREAN?|CIVIL|MILITARY|ARTICLE|ACT)S?\b")
_SENTENCE_END = re.compile(r"[.!?;。]+(?=\s|$)|\n\s*\n|\n\s*[-*•]\s")
_CLAUSE_END = re.compile(r"[,:、]+(?=\s|$)")
_APOSTROPHE = re.compile(r"(?<=\w)['’](?=\w)")
_NO_WORD = re.compile(r"[^\w.,]+|_|(?<=\S)[.,](?=\S)")
_SPACES = re.compile(r"\s+")

_SHORT_FOR = {
    "tgt": "target", "trgt": "target", "tgts": "targets", "trgts": "targets", "tgtg": "targeting", "tgting": "targeting",
    "wpn": "weapon", "wpns": "weapons", "wep": "weapon", "weps": "weapons", "msl": "missile", "msls": "missiles",
    "arty": "artillery", "hvt": "high value target", "hvts": "high value targets", "hpt": "high payoff target",
}  # fmt: skip
_ABBREVIATED = re.compile(rf"(?<![a-z0-9])(?:{'|'.join(sorted(_SHORT_FOR, key=len, reverse=True))})(?![a-z0-9])")
# Letters with one separator between each two, as in "t a r g e t"; more than one parts words.
_SEPARATOR = re.compile(r"[ ._\-*·/|~+]")
_SPELLED = re.compile(
    r"(?<![a-z0-9])[a-z0-9](?:[ ._\-*·/|~+][a-z0-9]){3,}(?![a-z0-9])"
    r"|(?<![가-힣])[가-힣](?:[ ._\-*·/|~+][가-힣]){2,}(?![가-힣])"
)
_PARTICLES = re.compile(r"(?<=[가-힣])([이가을를은는에]|에게|스로)(?=[가-힣])")

_LEET = {
    "a": "a4@", "b": "b8", "e": "e3", "g": "g9", "i": "i1!|l", "l": "l1|i", "o": "o0", "s": "s5$", "t": "t7+",
}  # fmt: skip
_BETWEEN = r"[\s._\-*·,/|~+]{0,3}"
_PARTICLE = "은|는|이|가|을|를|의|에|로|으|와|과|도|만|하|한|할|해|된|될|되|대상|무기|체계|로봇|드론"


def readings(text: str) -> list[str]:
    """Lower-case texts of words with single spaces; a full stop stands alone, commas stay; each reading once."""
    folded = fold(text)
    split = _CAMEL.sub(" ", folded)
    mended = _mend(folded.lower())
    joined = _SPELLED.sub(_together, folded.lower())
    parted = _SPELLED.sub(lambda match: _PARTICLES.sub(r"\1 ", _together(match)), folded.lower())
    return list(dict.fromkeys(map(_words, [folded, split, mended, joined, parted])))


def _together(match: re.Match[str]) -> str:
    """Letters with something between each two as the words that they spell, as far as these are known."""
    letters = _SEPARATOR.sub("", match[0])
    if not letters.isascii():
        return letters
    known = _known_words().fullmatch(letters)
    return " ".join(_known_word().findall(letters)) if known else letters


def _words(text: str) -> str:
    text = _APOSTROPHE.sub("", _LAWS.sub(_meant_by_laws, text).lower())
    text = _ABBREVIATED.sub(lambda match: _SHORT_FOR[match[0]], text.replace("&", " and "))
    text = _CLAUSE_END.sub(", ", _SENTENCE_END.sub(" . ", text))
    return _SPACES.sub(" ", _NO_WORD.sub(" ", text)).strip()


def _meant_by_laws(match: re.Match[str]) -> str:
    around = match.string[max(0, match.start() - 25) : match.end() + 25]
    return match[0] if _LEGAL.search(around) else "lethal autonomous weapons"


def _mend(text: str) -> str:
    """Put right words that are written with digits for letters, or with something between their letters."""
    text = _disguised_en().sub(_original, text)
    return _disguised_ko().sub(lambda match: re.sub(r"[^가-힣]", "", match[0]), text)


def _original(match: re.Match[str]) -> str:
    return DISGUISED_EN[(match.lastindex or 1) - 1]


@cache
def _disguised_en() -> re.Pattern[str]:
    words = (_BETWEEN.join(f"[{re.escape(_LEET.get(c, c))}]" for c in word) for word in DISGUISED_EN)
    return re.compile(r"(?<![a-z0-9])(?:" + "|".join(f"({word})" for word in words) + r")(?![a-z0-9])")


@cache
def _disguised_ko() -> re.Pattern[str]:
    words = "|".join(_BETWEEN.join(word) for word in DISGUISED_KO)
    start = r"(?:(?<![가-힣])|(?<=자율)|(?<=무인)|(?<=자동))"
    return re.compile(rf"{start}(?:{words})(?=(?:{_PARTICLE})|[^가-힣]|$)")


@cache
def _known_words() -> re.Pattern[str]:
    return re.compile(f"(?:{'|'.join(DISGUISED_EN)})+")


@cache
def _known_word() -> re.Pattern[str]:
    # A plural takes no letter away from the word behind it.
    words = "|".join(DISGUISED_EN)
    return re.compile(rf"(?:{words})(?=(?:{words})*$)")
