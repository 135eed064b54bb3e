"""Finding personal data of Korea in text and masking it.

What is masked is replaced by the name of its kind in brackets, e.g. ``[주민등록번호]``: the text stays readable
and a model learns no number. A number is taken only where its form, its check digit or a word beside it leaves
little doubt; dates, amounts, article numbers and years of law text stay. Digits of every script and hyphens of every
kind count, and a number may be broken over two lines.

Not found, because nothing tells them from other numbers: a service number, an account or a landline number in one
piece with no word beside it, and a resident number of which a part is hidden already. Names and addresses are no
forms; they stay.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

from bongsu_stages.data.folding import fold
from bongsu_stages.data.personal_kinds import DEFAULT_KINDS, Kind
from bongsu_stages.data.personal_patterns import ESCAPED_AT, RULES, plain

PLACEHOLDERS = {
    Kind.RESIDENT: "[주민등록번호]",
    Kind.PASSPORT: "[여권번호]",
    Kind.DRIVER: "[운전면허번호]",
    Kind.SERVICE: "[군번]",
    Kind.EMAIL: "[전자우편]",
    Kind.PHONE: "[전화번호]",
    Kind.ACCOUNT: "[계좌번호]",
    Kind.BUSINESS: "[사업자등록번호]",
}
_ABROAD = re.compile("(?:00)?820?(?=[1-7]\\d{7,10}$)")
_AT_WORDS = re.compile(rf"\s?[\[(]\s?(?:at|골뱅이)\s?[\])]\s?| ?@ ?|{ESCAPED_AT}", re.IGNORECASE)
_DOT_WORDS = re.compile(r" (?:dot|점) |\s?[\[(]\s?(?:dot|점)\s?[\])]\s?", re.IGNORECASE)


@dataclass(frozen=True)
class Masked:
    """One value that was replaced.

    Attributes:
        kind: what it is.
        offset: where the placeholder begins in the masked text, in characters.
        length: characters of the value that stood there.
        value: the same however it was written; lives in memory only, to be digested with a key.
    """

    kind: Kind
    offset: int
    length: int
    value: str


def mask(text: str, kinds: Iterable[Kind] = DEFAULT_KINDS) -> tuple[str, list[Masked]]:
    """The text with each finding replaced by its placeholder, and what was replaced, in order."""
    folded = fold(text)
    pieces: list[str] = []
    masked: list[Masked] = []
    done = length = 0
    for start, end, kind in _found(folded, kinds):
        length += start - done
        masked.append(Masked(kind, length, end - start, _canonical(kind, folded[start:end])))
        pieces += [text[done:start], PLACEHOLDERS[kind]]
        length += len(PLACEHOLDERS[kind])
        done = end
    return "".join([*pieces, text[done:]]), masked


def _found(folded: str, kinds: Iterable[Kind]) -> list[tuple[int, int, Kind]]:
    """Start, end and kind of personal data, in order and apart; where two kinds fit, the first of ``Kind``."""
    wanted = set(kinds)
    taken: list[tuple[int, int, Kind]] = []
    for kind in (kind for kind in Kind if kind in wanted):
        for rule in RULES[kind]:
            group = "value" if "value" in rule.pattern.groupindex else 0
            for match in rule.pattern.finditer(folded):
                start, end = match.span(group)
                place = bisect_left(taken, (start, end, kind))
                free = (place == 0 or taken[place - 1][1] <= start) and (
                    place == len(taken) or taken[place][0] >= end
                )
                if free and rule.accept(match):
                    taken.insert(place, (start, end, kind))
    return taken


def _canonical(kind: Kind, value: str) -> str:
    if kind is Kind.EMAIL:
        return _written_out(value.lower())
    bare = plain(value)
    return "0" + _ABROAD.sub("", bare, count=1) if kind is Kind.PHONE and _ABROAD.match(bare) else bare


def _written_out(address: str) -> str:
    """``a@b.kr`` for ``a (at) b [dot] kr``."""
    return _DOT_WORDS.sub(".", _AT_WORDS.sub("@", address))
