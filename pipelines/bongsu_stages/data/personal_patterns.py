"""Forms of Korean personal data, and what makes a form certain: check digits, dates, words beside it.

All of it is about folded text (:func:`bongsu_stages.data.folding.fold`): digits are ASCII and hyphens are one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from bongsu_stages.data.personal_kinds import Kind

Match = re.Match[str]


@dataclass(frozen=True)
class Rule:
    """A form, and whether a match of it is meant. A group ``value`` narrows what is masked."""

    pattern: re.Pattern[str]
    accept: Callable[[Match], bool] = lambda _match: True


ESCAPED_AT = r"(?:&#0{0,4}64;|&#x0{0,4}40;|&commat;|%40)"
"""An ``@`` as HTML and addresses of the web write it."""
_ESCAPED_HYPHEN = re.compile(r"&#0{0,4}45;|&#x0{0,4}2d;|&(?:hyphen|dash|ndash|mdash|minus);|%2d", re.IGNORECASE)
_HYPHEN = f"(?:-|{_ESCAPED_HYPHEN.pattern})"


def plain(value: str) -> str:
    """Digits and small letters of a folded value: equal for one number however it is written."""
    return "".join(char.lower() for char in _ESCAPED_HYPHEN.sub("-", value) if char.isalnum())


def near(match: Match, words: re.Pattern[str], before: int = 20, after: int = 12) -> bool:
    """Whether one of ``words`` stands beside the match, at most so many characters before or after.

    Beside is on the same line, or at the end of the line before one that begins with the match: a label above its
    value, as cells of tables come out.
    """
    text, start, end = match.string, match.start(), match.end()
    *above, left = text[max(0, start - before) : start].rsplit("\n", 1)
    if above and not left.strip(_BULLETS):
        left = above[0].rstrip().rsplit("\n", 1)[-1]
    right = text[end : end + after].partition("\n")[0]
    return bool(words.search(left) or words.search(right))


_BULLETS = " \t:-|*\u00b7()[]"


def _is_birth_date(six: str) -> bool:
    try:
        date(2000, int(six[2:4]), int(six[4:6]))  # a leap year
    except ValueError:
        return False
    return True


def _checked_resident(match: Match) -> bool:
    from stdnum.kr import rrn

    return bool(rrn.is_valid(plain(match[0])))


def _dated_resident(match: Match) -> bool:
    digits = plain(match[0])
    return digits[6] in "12345678" and _is_birth_date(digits)


def _is_row_of_resident(match: Match) -> bool:
    """Three figures at most, alone before it: no longer number goes on here."""
    row = _ROW.search(match.string[max(0, match.start() - 5) : match.start()])
    return bool(row) and _dated_resident(match)


def _named_resident(match: Match) -> bool:
    """The word stands beside it, or before a list of numbers that it is one of."""
    return near(match, _RESIDENT_WORDS) or bool(
        _RESIDENT_LIST.search(match.string[max(0, match.start() - 200) : match.start()])
    )


def _no_amount(match: Match) -> bool:
    return not _UNIT.match(match.string, match.end())


def _is_business(match: Match) -> bool:
    from stdnum.kr import brn

    return bool(brn.is_valid(plain(match[0])))


def _is_account(match: Match) -> bool:
    digits = plain(match[0])
    if (
        not 10 <= len(digits) <= 16
        or _DATED.match(match[0])
        or _NUMBERED.search(match.string[max(0, match.start() - 2) : match.start()])
        or not _no_amount(match)
    ):
        return False
    words = _ACCOUNT_WORDS if _BUSINESS_FORM.fullmatch(match[0]) else _BANK_WORDS
    return (
        near(match, words)
        or bool(_BANK_NAME.search(match.string[max(0, match.start() - 8) : match.start()]))
        or bool(_BANK_BEHIND.match(match.string, match.end()))
    )


def _is_spaced_account(match: Match) -> bool:
    """Without hyphens a row of figures is an account only where it follows the word or the bank at once."""
    before = match.string[max(0, match.start() - 12) : match.start()]
    is_labelled = bool(_ACCOUNT_LABEL.search(before) or _BANK_NAME.search(before))
    return len(plain(match[0])) >= 11 and is_labelled and _no_amount(match)


def _is_service(match: Match) -> bool:
    return near(match, _SERVICE_WORDS, before=17, after=8) and _no_amount(match)


_GAP = rf"(?:\s?(?:--|[-~_/\u00b7])\s?|{_ESCAPED_HYPHEN.pattern}|[. \n])"
_INLINE_GAP = rf"(?:-{{1,2}}| |{_ESCAPED_HYPHEN.pattern})"
# A part of a longer number is another number.
_START = r"(?<!\d)(?<!\d-)"
_END = r"(?!\d)(?!-\d)"
_ALONE = rf"{_START}(?<!\d[.,])"

_DATED = re.compile(r"(?:19|20)\d\d-(?:0?[1-9]|1[0-2])-(?:0?[1-9]|[12]\d|3[01])(?:-|$)")
_NUMBERED = re.compile("제 ?$")
_PARTICLES = (
    "을|를|이|가|은|는|의|에|에서|에게|과|와|도|만|씩|정|짜리|까지|부터|으로|로|간|분|동안|당|쯤|가량|경|여|이상|이하|미만|초과|"
    "인|이다|이며|이고|이었다|였다|대|중|말|초|자|생"
)
# A unit is a word of its own: names and labels begin like some of them (조성민, 일병, 명의, 주소).
_UNIT = re.compile(
    rf" ?(?:%|(?:(?:천|만|억|조)?원|억|달러|년|월|일|명(?!의)|호|조|항|주)(?:{_PARTICLES})?(?![가-힣]))"
)
_ROW = re.compile(r"(?<![\d-])\d{1,3}-$")
_RESIDENT = "주민\\s?(?:등록|번호)|주민증|민증|외국인\\s?등록|거소\\s?신고|\\bRRN\\b"
_RESIDENT_WORDS = re.compile(_RESIDENT, re.IGNORECASE)
_RESIDENT_LIST = re.compile(rf"(?:{_RESIDENT})[^\d\n]{{0,10}}[\d ,;/\u00b7.:()-]*$", re.IGNORECASE)
_BANKS = "은행|뱅크|농협|수협|신협|축협|우체국|새마을금고"
_BANK_WORDS = re.compile(f"{_BANKS}|계좌|예금|입금|송금|이체|\\b(?:KB|IBK|NH|SC)\\b", re.IGNORECASE)
_ACCOUNT_WORDS = re.compile("계좌|예금|입금|송금|이체")
_ACCOUNT_LABEL = re.compile(rf"(?:{_BANKS}|계좌(?:\s?번호)?)(?:은|는)?\s?[:)]?\s?$")
_NAMES_OF_BANKS = (
    r"(?:국민|신한|우리|하나|기업|산업|부산|대구|광주|전북|경남|제주|SC\s?제일|(?<![가-힣])(?:토스|카카오|씨티))"
)
_BANK_NAME = re.compile(rf"{_NAMES_OF_BANKS}\s?[:)]?\s?$", re.IGNORECASE)
_BANK_BEHIND = re.compile(rf"\s?\({_NAMES_OF_BANKS}", re.IGNORECASE)
_BUSINESS_FORM = re.compile(r"\d{3}-\d{2}-\d{5}")
_SERVICE_WORDS = re.compile("군\\s?번|인식표|service (?:number|no)", re.IGNORECASE)
_RANKS = (
    "이병|일병|상병|병장|이등병|일등병|하사|중사|상사|원사|준위|"
    "소위|중위|대위|소령|중령|대령|준장|소장|중장|대장|군무원"
)
_PASSPORT_WORDS = re.compile("여권|passport", re.IGNORECASE)
_DRIVER_WORDS = re.compile("면허")
_PHONE_WORDS = r"(?:전화|연락처|휴대폰|핸드폰|휴대전화|팩스|군선|내선|☎|☏|\bTEL\b|\bFAX\b|\bMOBILE\b)"
_PHONE_NEAR = re.compile(_PHONE_WORDS, re.IGNORECASE)
_REGIONS = "서울|부산|대구|인천|광주|대전|울산|경기|강원|충북|충남|전북|전남|경북|경남|제주"
_AREA = r"(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4]|70|50\d?)"
_ABROAD = r"(?<!\d)\(?(?:\+\s?|00)82\s?\)?[-. ]?(?:\(0\)\s?|0)?"
_DOT = r"(?:\.| (?:dot|점) |\s?[\[(]\s?(?:dot|점)\s?[\])]\s?)"
_AT = rf"(?:[ ]?@[ ]?|{ESCAPED_AT}|\s?[\[(]\s?(?:at|골뱅이)\s?[\])]\s?)"
_HOST = rf"(?:[A-Z0-9가-힣](?:[A-Z0-9가-힣-]{{0,61}}[A-Z0-9가-힣])?{_DOT})+(?:[A-Z]{{2,24}}|한국)(?![A-Z0-9-])"
_QUOTE = r"(?:[\"\u201c\u201d]|&quot;|&#0{0,4}34;)"


def _rule(pattern: str, accept: Callable[[Match], bool] = lambda _match: True) -> Rule:
    return Rule(re.compile(pattern, re.IGNORECASE), accept)


RULES: dict[Kind, tuple[Rule, ...]] = {
    Kind.RESIDENT: (
        # Numbers given since October 2020 have no check digit: with a hyphen, the date and the century decide.
        _rule(
            rf"{_START}\d{{6}}\s?{_HYPHEN}{{1,2}}\s?\d ?\d{{6}}{_END}",
            lambda m: _dated_resident(m) or _named_resident(m),
        ),
        # After the number of a row or a key.
        _rule(rf"(?<!\d)(?<=\d-)(?P<value>\d{{6}}{_HYPHEN}\d{{7}}){_END}", _is_row_of_resident),
        _rule(
            rf"{_ALONE}\d{{6}}\s?[~_/\u00b7,:.]?\s?\d{{7}}{_END}",
            lambda m: _checked_resident(m) or _named_resident(m),
        ),
        _rule(rf"{_ALONE}\d\d([-./])\d\d\1\d\d\s?[-./]?\s?\d{{7}}{_END}", _named_resident),
        _rule(rf"{_ALONE}(?:19|20)\d{{6}}\s?[-./]?\s?\d{{7}}{_END}", _named_resident),
        # Letter-spaced, as in forms with a box for each digit.
        _rule(rf"{_START}\d(?:[ |]\d){{5}} ?[-~|]? ?\d(?:[ |]\d){{6}}{_END}", _named_resident),
    ),
    Kind.PASSPORT: (
        _rule(
            r"(?<![A-Z0-9])(?:[A-Z] ?(?:\d{8}|\d{3}[A-Z]\d{4})|[A-Z]{2} ?\d{7})(?![A-Z0-9])",
            lambda match: near(match, _PASSPORT_WORDS),
        ),
    ),
    Kind.DRIVER: (
        _rule(rf"(?:{_START}(?:1[1-9]|2[0-8])|(?:{_REGIONS})\s?)-?\d{{2}}-\d{{6}}-\d{{2}}{_END}"),
        _rule(
            rf"{_ALONE}(?:1[1-9]|2[0-8])(?:([ ./])\d\d\1\d{{6}}\1\d\d|\d{{10}}){_END}",
            lambda match: near(match, _DRIVER_WORDS, before=14, after=8) and _no_amount(match),
        ),
    ),
    Kind.SERVICE: (
        _rule(rf"{_ALONE}(?:\d{{2,4}}\s?-\s?\d{{4,8}}|\d\d \d{{5,8}}|\d{{7,10}}){_END}", _is_service),
        _rule(rf"(?:{_RANKS})\s?[가-힣](?:\s?[가-힣]){{1,3}}\s?[(,:]?\s?(?P<value>{_START}\d\d-\d{{5,8}}{_END})"),
        # Without a name between them some ranks are other words (대장, a register): the form of enlisted men's alone.
        _rule(rf"(?:{_RANKS})\s?[(,:]?\s?(?P<value>{_START}\d\d-7\d{{7}}{_END})"),
        _rule(rf"(?P<value>{_ALONE}\d\d-7\d{{7}}{_END})\s?[),:]?\s?(?:[가-힣]{{2,4}}\s?)?(?:{_RANKS})"),
    ),
    Kind.EMAIL: (
        _rule(rf"(?:(?<![A-Z0-9._%+-])[A-Z0-9._%+-]{{1,254}}|(?<![가-힣])[가-힣]{{1,20}}){_AT}{_HOST}"),
        # A local part in quotes may hold what it likes; only what stands at the sign at once is one.
        _rule(rf"{_QUOTE}[^\"\u201c\u201d\n&]{{1,64}}{_QUOTE}(?:@|{ESCAPED_AT}){_HOST}"),
    ),
    Kind.PHONE: (
        _rule(rf"{_ALONE}01[016789]\d{{7,8}}{_END}"),
        _rule(rf"{_START}\(?01[016789](?:\)\s?|{_GAP})\d{{3,4}}{_GAP}?\d{{4}}{_END}"),
        # Seven digits first: six could be a date before a time of day.
        _rule(rf"{_ALONE}01[016789]\d{{4}}{_INLINE_GAP}\d{{4}}{_END}"),
        _rule(rf"{_START}\(?0{_AREA}(?:\)\s?|{_GAP})\d{{3,4}}{_GAP}\d{{4}}{_END}"),
        _rule(
            rf"{_START}\(?0{_AREA}(?:\)\s?|{_GAP})\d{{7,8}}{_END}",
            lambda match: near(match, _PHONE_NEAR) and _no_amount(match),
        ),
        _rule(rf"{_ABROAD}(?:1[016789]|{_AREA}){_GAP}?\d{{3,4}}{_GAP}?\d{{4}}{_END}"),
        _rule(rf"{_START}82-10-\d{{4}}-\d{{4}}{_END}"),
        _rule(
            rf"{_ALONE}(?:0{_AREA}\d{{7,8}}|82-?0?1[016789]\d{{7,8}}){_END}", lambda match: near(match, _PHONE_NEAR)
        ),
        _rule(rf"{_PHONE_WORDS}[^\d\n]{{0,12}}(?P<value>{_START}\d{{3,4}}-\d{{4}}){_END}", _no_amount),
        _rule(rf"{_PHONE_WORDS}\s?[:.)]?\s?(?P<value>{_START}\d{{3,4}} \d{{4}}){_END}", _no_amount),
    ),
    Kind.ACCOUNT: (
        _rule(rf"{_ALONE}(?:\d{{2,6}}(?:-\d{{1,7}}){{1,4}}|\d{{10,16}}){_END}", _is_account),
        _rule(rf"{_ALONE}\d{{3,6}} \d{{2,4}} \d{{4,7}}(?: \d{{1,3}})?{_END}(?! \d)", _is_spaced_account),
    ),
    Kind.BUSINESS: (_rule(rf"{_START}\d{{3}}-\d{{2}}-\d{{5}}{_END}", _is_business),),
}
