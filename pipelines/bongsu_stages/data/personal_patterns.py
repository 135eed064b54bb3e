"""Forms of Korean personal data, and what makes a form certain: check digits, dates, words beside it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

Match = re.Match[str]


class Kind(StrEnum):
    """Kinds of personal data, those first that win where two forms fit.

    The first three are unique identifiers in the sense of the Personal Information Protection Act, article 24
    (the registration number of a foreigner has the form of a resident's).
    """

    RESIDENT = "resident-number"
    PASSPORT = "passport-number"
    DRIVER = "driver-licence"
    SERVICE = "service-number"
    EMAIL = "email"
    PHONE = "phone"
    ACCOUNT = "bank-account"
    BUSINESS = "business-number"


@dataclass(frozen=True)
class Rule:
    """A form, and whether a match of it is meant. A group ``value`` narrows what is masked."""

    pattern: re.Pattern[str]
    accept: Callable[[Match], bool] = lambda _match: True


def plain(value: str) -> str:
    """ASCII digits and small letters of a value: equal for one number however it is written."""
    return "".join(
        str(unicodedata.digit(char)) if char.isdigit() else char.lower() for char in value if char.isalnum()
    )


def near(match: Match, words: re.Pattern[str], before: int = 20, after: int = 12) -> bool:
    """Whether one of ``words`` stands on the same line, at most so many characters before or after."""
    text, start, end = match.string, match.start(), match.end()
    left = text[max(0, start - before) : start].rpartition("\n")[2]
    right = text[end : end + after].partition("\n")[0]
    return bool(words.search(left) or words.search(right))


def _is_birth_date(six: str) -> bool:
    try:
        date(2000, int(six[2:4]), int(six[4:6]))  # a leap year
    except ValueError:
        return False
    return True


def _checked_resident(match: Match) -> bool:
    from stdnum.kr import rrn

    return bool(rrn.is_valid(plain(match[0])))


def _is_business(match: Match) -> bool:
    from stdnum.kr import brn

    return bool(brn.is_valid(plain(match[0])))


def _is_account(match: Match) -> bool:
    digits = plain(match[0])
    if (
        not 10 <= len(digits) <= 16
        or _DATED.match(match[0])
        or _NUMBERED.search(match.string[: match.start()][-2:])
    ):
        return False
    if _UNIT.match(match.string, match.end()):
        return False
    words = _ACCOUNT_WORDS if _BUSINESS_FORM.fullmatch(match[0]) else _BANK_WORDS
    return near(match, words) or bool(_BANK_NAME.search(match.string[max(0, match.start() - 8) : match.start()]))


def _is_service(match: Match) -> bool:
    return near(match, _SERVICE_WORDS, before=14, after=8) and not _UNIT.match(match.string, match.end())


_DASH = "[-\u2010-\u2015\u2212\ufe58\ufe63\uff0d]"
_GAP = rf"(?:\s?{_DASH}\s?|[. ])"
# A part of a longer number is another number.
_START = rf"(?<!\d)(?<!\d{_DASH})"
_END = rf"(?!\d)(?!{_DASH}\d)"
_ALONE = rf"{_START}(?<!\d[.,])"

_DATED = re.compile(rf"(?:19|20)\d\d{_DASH}(?:0?[1-9]|1[0-2]){_DASH}(?:0?[1-9]|[12]\d|3[01])(?:{_DASH}|$)")
_NUMBERED = re.compile("제 ?$")
_UNIT = re.compile(r"\s?(?:원|천원|만원|억|달러|년|월|일|명|호|조|항|주|%)")
_BANK_WORDS = re.compile(
    "은행|뱅크|농협|수협|신협|축협|우체국|새마을금고|계좌|예금|입금|송금|이체|\\b(?:KB|IBK|NH|SC)\\b", re.IGNORECASE
)
_ACCOUNT_WORDS = re.compile("계좌|예금|입금|송금|이체")
_BANK_NAME = re.compile(r"(?:국민|신한|우리|하나|기업|산업|부산|대구|광주|전북|경남|제주)\s?[:：)]?\s?$")
_BUSINESS_FORM = re.compile(rf"\d{{3}}{_DASH}\d{{2}}{_DASH}\d{{5}}")
_SERVICE_WORDS = re.compile("군번|인식표|service number", re.IGNORECASE)
_PASSPORT_WORDS = re.compile("여권|passport", re.IGNORECASE)
_PHONE_WORDS = r"(?:전화|연락처|휴대폰|핸드폰|팩스|군선|내선|☎|☏|\bTEL\b|\bFAX\b)"
_REGIONS = "서울|부산|대구|인천|광주|대전|울산|경기|강원|충북|충남|전북|전남|경북|경남|제주"
_AREA = r"(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4]|70|50\d)"


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


RULES: dict[Kind, tuple[Rule, ...]] = {
    Kind.RESIDENT: (
        # Numbers given since October 2020 have no check digit: with a dash, the date and the century decide.
        Rule(
            _compiled(rf"{_START}\d{{6}}\s?{_DASH}\s?[1-8１-８]\d{{6}}{_END}"),
            lambda match: _is_birth_date(plain(match[0])),
        ),
        Rule(_compiled(rf"{_ALONE}\d{{6}}\s?[1-8１-８]\d{{6}}{_END}"), _checked_resident),
    ),
    Kind.PASSPORT: (
        Rule(
            _compiled(r"(?<![A-Z0-9])[A-Z](?:\d{8}|\d{3}[A-Z]\d{4})(?![A-Z0-9])"),
            lambda match: near(match, _PASSPORT_WORDS),
        ),
    ),
    Kind.DRIVER: (
        Rule(
            _compiled(
                rf"(?:{_START}(?:1[1-9]|2[0-8])|(?:{_REGIONS})\s?){_DASH}?\d{{2}}{_DASH}\d{{6}}{_DASH}\d{{2}}{_END}"
            )
        ),
    ),
    Kind.SERVICE: (Rule(_compiled(rf"{_ALONE}(?:\d{{2,4}}{_DASH}\d{{4,8}}|\d{{7,10}}){_END}"), _is_service),),
    Kind.EMAIL: (
        Rule(
            _compiled(
                r"(?<![A-Z0-9._%+-])[A-Z0-9._%+-]{1,254}(?:[@＠]|\s?[\[(]\s?(?:at|골뱅이)\s?[\])]\s?)"
                r"(?:[A-Z0-9](?:[A-Z0-9-]{0,61}[A-Z0-9])?\.)+[A-Z]{2,24}(?![A-Z0-9-])"
            )
        ),
    ),
    Kind.PHONE: (
        Rule(_compiled(rf"{_ALONE}01[016789]\d{{7,8}}{_END}")),
        Rule(_compiled(rf"{_START}01[016789]{_GAP}\d{{3,4}}{_GAP}\d{{4}}{_END}")),
        Rule(_compiled(rf"{_START}\(?0{_AREA}(?:\)\s?|{_GAP})\d{{3,4}}{_GAP}\d{{4}}{_END}")),
        Rule(_compiled(rf"\+\s?82{_GAP}?(?:\(0\)\s?)?(?:1[016789]|{_AREA}){_GAP}?\d{{3,4}}{_GAP}?\d{{4}}{_END}")),
        Rule(_compiled(rf"{_PHONE_WORDS}[^\d\n]{{0,12}}(?P<value>{_START}\d{{3,4}}{_DASH}\d{{4}}){_END}")),
    ),
    Kind.ACCOUNT: (
        Rule(_compiled(rf"{_ALONE}(?:\d{{2,6}}(?:{_DASH}\d{{1,7}}){{1,4}}|\d{{10,16}}){_END}"), _is_account),
    ),
    Kind.BUSINESS: (Rule(_compiled(rf"{_START}\d{{3}}{_DASH}\d{{2}}{_DASH}\d{{5}}{_END}"), _is_business),),
}
