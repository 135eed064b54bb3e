"""Who is slower decides anew, and is told when that goes on and on."""

from __future__ import annotations

import pytest

from bongsu.api.problems import status_of
from bongsu.domain.problems import BongsuError
from bongsu.store.conflicts import Conflict, retry_on_conflict


@pytest.mark.parametrize("conflicts", range(5))
def test_what_somebody_else_was_faster_at_is_done_anew(conflicts: int) -> None:
    left = [Conflict("axk1")] * conflicts

    def act() -> str:
        if left:
            raise left.pop()
        return "done"

    assert retry_on_conflict(act) == "done"


def test_who_is_always_slower_is_told_that_nothing_was_done() -> None:
    tries = []

    def act() -> None:
        tries.append(1)
        raise Conflict("axk1")

    with pytest.raises(BongsuError) as caught:
        retry_on_conflict(act)
    (problem,) = caught.value.problems
    assert (problem.code.name, len(tries)) == ("run.always-changed", 5)
    assert status_of([problem]) == 503, "with which clients ask again by themselves"
