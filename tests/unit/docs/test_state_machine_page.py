"""docs/state-machine.md lists the states and moves that the code has, and no others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import pytest

from bongsu.domain.run import ATTEMPT_MOVES, RUN_MOVES, STAGE_MOVES, AttemptState, RunState, StageState

PAGE = (Path(__file__).parents[3] / "docs" / "state-machine.md").read_text()
_STATE = re.compile(r"^\| `([a-z-]+)` \| (yes|no) \| (.+) \|$", re.MULTILINE)
_MOVE = re.compile(r"^\| `([a-z-]+)` → `([a-z-]+)` \| (.+) \|$", re.MULTILINE)
KINDS = [
    ("Run", RunState, RUN_MOVES),
    ("Stage", StageState, STAGE_MOVES),
    ("Attempt", AttemptState, ATTEMPT_MOVES),
]


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(("title", "states", "_moves"), KINDS)
def test_the_page_has_every_state_and_says_whether_it_is_final(
    title: str, states: type[RunState] | type[StageState] | type[AttemptState], _moves: object
) -> None:
    written = [(name, final == "yes") for name, final, _meaning in _STATE.findall(section(title))]
    assert written == [(state.value, state.is_final) for state in states]


@pytest.mark.parametrize(("title", "_states", "moves"), KINDS)
def test_the_page_has_every_move_once(
    title: str, _states: object, moves: Mapping[StrEnum, frozenset[StrEnum]]
) -> None:
    written = [(old, new) for old, new, _when in _MOVE.findall(section(title))]
    assert sorted(written) == sorted((old.value, new.value) for old, targets in moves.items() for new in targets)
