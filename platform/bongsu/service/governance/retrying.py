"""Doing it again where somebody else was faster."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from bongsu.store.proposals import StaleProposal
from bongsu.store.taken import Taken

T = TypeVar("T")
_TRIES = 5


def retry_on_conflict(act: Callable[[], T]) -> T:
    """Do it again where somebody else was faster: on two replicas, two may be at the same thing."""
    for left in range(_TRIES - 1, -1, -1):
        try:
            return act()
        except (StaleProposal, Taken):
            if not left:
                raise
    raise AssertionError("unreachable")
