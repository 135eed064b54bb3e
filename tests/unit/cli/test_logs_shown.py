"""Logs of workers on a terminal and in a pipe."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_shell import Shell
from hypothesis import given
from hypothesis import strategies as st
from service_places import Place, drive
from small_plans import plan_of, stage

from bongsu.cli.commands.inspect import why_silent
from bongsu.cli.printing import log_lines
from bongsu.domain.run import StageState
from bongsu.service.submitting import submit

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


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["logs", "-f"], ["a | one", "a | two", "b | three"]),
        (["logs", "latest", "b", "--follow"], ["three"]),
        (["logs", "latest", "a", "-f", "--attempt", "1"], ["one", "two"]),
        (
            ["logs", "--follow", "--json"],
            ['{"stage": "a", "line": "one"}', '{"stage": "a", "line": "two"}', '{"stage": "b", "line": "three"}'],
        ),
    ],
)
def test_each_line_of_a_run_that_is_followed_stands_under_its_stage(
    shell: Shell, tmp_path: Path, words: list[str], shown: list[str]
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    place = Place(home)
    drive(place.platform, [submit(place.platform, plan_of(stage("a"), stage("b", "a"))).run.id])
    place.close()
    for attempt in place.cluster.jobs:
        folder = home / "logs" / attempt.key
        folder.mkdir(parents=True)
        (folder / "log.txt").write_text({"a": "one\ntwo\n", "b": "three\n"}[attempt.stage_id])
    assert shell(*words).out.splitlines() == shown
