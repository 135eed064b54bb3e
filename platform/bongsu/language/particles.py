"""Korean particles that fit the word before them: ``실행 r-12가``, not ``실행 r-12이(가)``.

Translations write both forms, because they do not know what is filled in; the last sound of the word decides.
Foreign words are judged by how their spelling is commonly read, which is right for most of them; where nothing can be
told, both forms stay.
"""

from __future__ import annotations

import re

# Both forms as translations write them: what follows a closed syllable, and what follows an open one.
_FORMS = {
    "이(가)": ("이", "가"),
    "은(는)": ("은", "는"),
    "을(를)": ("을", "를"),
    "와(과)": ("과", "와"),
    "(으)로": ("으로", "로"),
    "(이)라고": ("이라고", "라고"),
    "(이)라는": ("이라는", "라는"),
    "(이)어야": ("이어야", "여야"),
}
_CLOSERS = "`'\")]}>"
_MOST_CLOSERS = 8  # without a bound, a text of nothing but closers takes time by the square of its length
_BOTH = re.compile(rf"(\S)([{re.escape(_CLOSERS)}]{{0,{_MOST_CLOSERS}}})(" + "|".join(map(re.escape, _FORMS)) + ")")
_RIEUL = 8  # ㄹ among the final consonants: 로 follows it as if the syllable were open
_CLOSED_DIGITS = "013678"
_RIEUL_DIGITS = "178"


def settle_particles(text: str) -> str:
    """The text with every particle in the one form that fits."""
    return _BOTH.sub(lambda match: _settled(text, match), text)


def _settled(text: str, match: re.Match[str]) -> str:
    closed, open_ = _FORMS[match[3]]
    before = text[max(0, match.start() - 2) : match.start() + 1]
    ending = _ending(before)
    if ending is None:
        return match[0]
    is_closed, is_rieul = ending
    takes_closed = is_closed and not (is_rieul and match[3] == "(으)로")
    return match[1] + match[2] + (closed if takes_closed else open_)


def _ending(before: str) -> tuple[bool, bool] | None:
    """Whether the last syllable is closed, and whether by ㄹ; None if that cannot be told."""
    last = before[-1]
    if "가" <= last <= "힣":
        final = (ord(last) - ord("가")) % 28
        return final != 0, final == _RIEUL
    if last in "0123456789":
        return last in _CLOSED_DIGITS, last in _RIEUL_DIGITS
    if not ("a" <= last.lower() <= "z"):
        return None
    # A capital is read by its name (엘, 엠, 엔, 알), a word by its sound.
    if last.isupper():
        return last in "LMNR", last in "LR"
    vowel_before = before[-2:-1].lower() in tuple("aeiou")
    return last in "lmn" or before.endswith("ng") or (last in "bckpt" and vowel_before), last == "l"
