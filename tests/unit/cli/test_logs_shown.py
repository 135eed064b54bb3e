"""Logs of workers on a terminal and in a pipe."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.cli.commands.inspect import why_silent
from bongsu.cli.printing import log_lines
from bongsu.domain.run import StageState

RED, RESET = "\x1b[31m", "\x1b[0m"


def test_plain_text_passes_with_its_tabs() -> None:
    line = "봉수\t[INFO] 100% \\x1b"
    assert list(log_lines(line, colours=True)) == list(log_lines(line, colours=False)) == [line]


def test_colours_reach_a_terminal_only_and_end_with_the_line() -> None:
    line = f"{RED}loss{RESET} 3"
    assert list(log_lines(line, colours=False)) == ["loss 3"]
    assert list(log_lines(line, colours=True)) == [line + RESET]


def test_nothing_is_written_over() -> None:
    assert list(log_lines("10%\r20%\r\n", colours=True)) == ["10%", "20%", ""]


def test_what_moves_the_cursor_is_written_out() -> None:
    line = "\x1b[2J\x1b[1A\x1b]0;title\x07\x9b1A"
    for colours in (True, False):
        assert list(log_lines(line, colours=colours)) == ["\\x1b[2J\\x1b[1A\\x1b]0;title\\x07\\x9b1A"]


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_no_escape_but_a_colour_reaches_a_terminal(line: str) -> None:
    for shown in log_lines(line, colours=True):
        assert all(part.partition("m")[0].strip("0123456789;:[") == "" for part in shown.split("\x1b")[1:])
    assert "\x1b" not in "".join(log_lines(line, colours=False))


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ((StageState.CACHED,), "earlier run"),
        ((StageState.WAITING, StageState.READY), "no attempt has begun"),
        ((StageState.CACHED, StageState.SUCCEEDED), "bongsu show"),
    ],
)
def test_who_prints_nothing_says_why(states: tuple[StageState, ...], words: str) -> None:
    assert words in why_silent(states)
