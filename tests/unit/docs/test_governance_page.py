"""docs/governance.md lists the states and moves of approvals that the code has, and no others."""

from __future__ import annotations

import re
from pathlib import Path

from bongsu.domain.approval import APPROVAL_MOVES, ApprovalState
from bongsu.domain.use_register import APPROVERS, FEWEST_APPROVERS, Tier
from bongsu.policy.standing import GRACE_S
from bongsu.service.governance.proposing import LIFETIME_S

PAGE = (Path(__file__).parents[3] / "docs" / "governance.md").read_text()
_STATE = re.compile(r"^\| `([a-z-]+)` \| (yes|no) \| (.+) \|$", re.MULTILINE)
_MOVE = re.compile(r"^\| `([a-z-]+)` → `([a-z-]+)` \| (.+) \|$", re.MULTILINE)


def test_the_page_has_every_state_and_says_whether_it_is_final() -> None:
    written = [(name, final == "yes") for name, final, _meaning in _STATE.findall(PAGE)]
    assert written == [(state.value, state.is_final) for state in ApprovalState]


def test_the_page_has_every_move_once() -> None:
    written = [(old, new) for old, new, _when in _MOVE.findall(PAGE)]
    assert sorted(written) == sorted(
        (old.value, new.value) for old, targets in APPROVAL_MOVES.items() for new in targets
    )


def test_the_page_has_the_numbers_that_the_code_has() -> None:
    assert {tier: APPROVERS[tier] for tier in Tier} == {Tier.I: 2, Tier.II: 3, Tier.III: 4}
    assert "I two, II three, III four" in PAGE
    assert min(APPROVERS.values()) == FEWEST_APPROVERS == 2
    assert (GRACE_S, "Two weeks after" in PAGE) == (14 * 86_400, True)
    assert (LIFETIME_S, "30 days are over" in PAGE) == (30 * 86_400, True)
