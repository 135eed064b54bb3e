"""Korean texts keep to docs/glossary.md: one thing has one name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from bongsu.cli.messages import CATALOGUE
from bongsu.specfile.starter import starter

ROOT = Path(__file__).parents[3]
_ROW = re.compile(r"^\| (?P<english>[^|]+) \| (?P<korean>[^|]+) \| [^|]* \| (?P<others>[^|]+) \|$", re.MULTILINE)
ROWS = [row for row in _ROW.finditer((ROOT / "docs" / "glossary.md").read_text()) if row["english"] != "English"][
    1:
]
HANGUL = re.compile("[가-힣]")


def texts() -> dict[str, str]:
    """Korean texts by where they stand."""
    with CATALOGUE.open("rb") as file:
        found = {f"bongsu.po: {message.id}": str(message.string) for message in read_po(file) if message.id}
    lines = (ROOT / "README.ko.md").read_text().splitlines()
    found |= {f"README.ko.md:{number}": line for number, line in enumerate(lines, 1)}
    return found | {"bongsu init": starter(language="ko")}


def misused(written: dict[str, str], words: list[str]) -> list[str]:
    """Where a word stands as a word, or as the beginning of one: ``런`` is not in ``그런``."""
    wrong = [re.compile(rf"(?<![가-힣]){re.escape(word)}") for word in words]
    return [f"{place}: {text}" for place, text in written.items() if any(pattern.search(text) for pattern in wrong)]


@pytest.mark.parametrize("row", ROWS, ids=[row["english"] for row in ROWS])
def test_a_thing_has_one_korean_name(row: re.Match[str]) -> None:
    assert misused(texts(), row["others"].split(", ")) == [], f"say {row['korean']}"


def test_the_table_is_read_and_a_wrong_word_is_found() -> None:
    assert len(ROWS) >= 25
    (row,) = [row for row in ROWS if row["english"] == "perplexity"]
    assert misused({"x": "법률 혼란도"}, row["others"].split(", ")) == ["x: 법률 혼란도"]
    assert misused({"x": "그런 일"}, ["런"]) == []


def test_every_text_that_is_no_name_is_in_korean() -> None:
    """A text that was copied instead of translated has no Hangul."""
    same = {
        name: text for name, text in texts().items() if name.startswith("bongsu.po") and not HANGUL.search(text)
    }
    allowed = {
        "Python",
        "GPUs",
        "d, h, m and s",
        "{hint}",
        "{one}, {others}",
        "{expected} ({meaning})",
        "Run {run}: {state}",
    }
    assert {name.removeprefix("bongsu.po: ") for name in same} <= allowed | {"NAME@3, NAME/3, NAME@alias"}
