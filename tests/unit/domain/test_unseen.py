"""Characters that nobody can see: which ones are refused, and how they are written out."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.unseen import escaped, escaped_json, find_unseen, first_unseen

ANY = st.text(st.characters(exclude_categories=()), max_size=60)
STEERING = {chr(n) for n in (*range(0x20), *range(0x7F, 0xA0))} - {"\n", "\t"}
TURNING = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")


@pytest.mark.parametrize(
    "text",
    [
        "국방 행정 문서를 초안하고 검색합니다 — “모델”·1,024건…(㈜봉수) ½ №3",
        "漢字 かな Ünïcödé naïve 100％",
        "⚠️ 주의 ✔️",
        "한글",
        "a\tb\r\nc",
    ],
)
def test_text_that_can_be_seen_passes(text: str) -> None:
    assert first_unseen(text) is None


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\u200b", "U+200B ZERO WIDTH SPACE"),
        ("\u200d", "U+200D ZERO WIDTH JOINER"),
        ("\u2060", "U+2060 WORD JOINER"),
        ("\u00ad", "U+00AD SOFT HYPHEN"),
        ("\u3164", "U+3164 HANGUL FILLER"),
        ("\ufe0f", "U+FE0F VARIATION SELECTOR-16"),
        ("\u202e", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("\U000e0041", "U+E0041 TAG LATIN CAPITAL LETTER A"),
        ("\x1b", "U+001B"),
        ("\udcff", "byte 0xFF, which is no UTF-8"),
    ],
)
def test_text_that_cannot_be_seen_is_named(character: str, name: str) -> None:
    assert first_unseen(f"표{character}적") == name


@given(st.characters(categories=["Cc", "Cs", "Zl", "Zp"]))
def test_every_control_is_found(character: str) -> None:
    assert bool(find_unseen(character)) is (character not in "\t\n\r")


@given(ANY)
def test_nothing_that_steers_a_terminal_is_left(text: str) -> None:
    shown = escaped(text)
    assert not set(shown) & (STEERING | TURNING)
    assert not any(unicodedata.category(character) == "Cs" for character in shown)
    assert escaped(shown) == shown


@given(st.dictionaries(ANY, ANY, max_size=3))
def test_json_means_the_same_with_its_controls_written_out(value: dict[str, str]) -> None:
    written = escaped_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(written) == value
    assert not set(written) & (STEERING | TURNING)
