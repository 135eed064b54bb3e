"""Help pages are in one language, the words that Typer adds included."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.cli.columns import cells, two_columns
from bongsu.cli.failures import EXIT_CODES

COMMANDS = [(), ("runs",), ("run",), ("logs",), ("stages",), ("datasets", "add"), ("mlflow",)]


def help_of(language: str, *words: str, columns: int = 200) -> str:
    """As a process of its own prints it: help texts are chosen before the commands are declared."""
    environment = os.environ | {"COLUMNS": str(columns), "LANG": "C.UTF-8"}
    environment.pop("BONGSU_LANG", None)
    command = [sys.executable, "-m", "bongsu.cli.main", "--lang", language, *words, "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_korean_help_has_no_english_sentence(words: tuple[str, ...]) -> None:
    text = help_of("ko", *words)
    assert text.startswith("사용법: ")
    assert "옵션:" in text
    assert "이 도움말을 보여 줍니다." in text
    # Two words of English after one another are a sentence of somebody's; names of things stand alone.
    found = re.findall(r"\b[A-Z][a-z]+ [a-z]+\b", text)
    assert found == []
    assert not set(re.findall(r"\[([a-z]+)\]", text)) & {"required", "default"}
    assert not re.search(r"<(str|int|path|list|int range)\b", text)


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_help_says_what_an_exit_status_means(language: str) -> None:
    text = help_of(language)
    for status in EXIT_CODES:
        assert re.search(rf"^  {status} ", text, re.M), status
    assert "143" not in help_of(language, "run"), "once is enough"


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_columns_of_help_stand_below_one_another_within_80_cells(language: str, words: tuple[str, ...]) -> None:
    text = help_of(language, *words, columns=80)
    options = text.partition("옵션:" if language == "ko" else "Options:")[2].partition("\n\n")[0]
    begins = {
        cells(line[: match.end()]) for line in options.splitlines() if (match := re.match(r" +-\S.*?  +", line))
    }
    assert len(begins) == 1
    assert all(cells(line) <= 80 or "[pending|" in line for line in options.splitlines())


@given(st.lists(st.tuples(st.text("ab 가나", min_size=1, max_size=40), st.text("ab 가나", max_size=90))))
def test_two_columns_lose_no_word(rows: list[tuple[str, str]]) -> None:
    lines = list(two_columns(rows, 60, 2))
    assert "".join("".join(lines).split()) == "".join("".join(term + meaning for term, meaning in rows).split())


def test_english_help_is_english_under_a_korean_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "ko")
    text = help_of("en", "run")
    assert text.startswith("Usage: ")
    assert not re.search("[가-힣]", text)


def test_the_language_may_be_chosen_behind_a_command() -> None:
    command = [sys.executable, "-m", "bongsu.cli.main", "stages", "list", "--lang", "ko"]
    environment = os.environ | {"BONGSU_LANG": "en"}
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    assert "데이터" in said or "단계" in said
