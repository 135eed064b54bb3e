"""How often somebody was refused what a log tells of: nobody may drown a log, and no attempt is left out of it.

So whoever was refused too often is not listened to for a moment. Each process counts for itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from bongsu.domain.server_defaults import REFUSALS_A_MINUTE
from bongsu.service.buckets import Buckets

OWED_MINUTES = 3
"""Requests that are looked at when the last one is taken are recorded as well, and waited for afterwards: whoever asks
many things at once is refused no more of them in the long run than who asks one after the other. As many as the threads
that answer (40) are less than this; nobody waits for longer."""


class Refusals:
    """Args:
    a_minute: how many of one actor are recorded; as many at once, and those that are under way then.
    monotonic: seconds that only grow.
    """

    def __init__(self, a_minute: int = REFUSALS_A_MINUTE, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.a_minute = a_minute
        self._buckets = Buckets(a_minute, a_minute, monotonic, owes=OWED_MINUTES * a_minute)
        self._told: set[str] = set()
        self._telling = threading.Lock()

    def note(self, actor: str) -> None:
        """One was recorded."""
        left = self._buckets.take(_key(actor))
        if left >= self._buckets.holds:  # quiet for a minute
            self.untold(actor)

    def wait_s(self, actor: str) -> float:
        """For how long nothing of theirs is looked at; seconds."""
        return self._buckets.wait_s(self._buckets.left(_key(actor)))

    def take_telling(self, actor: str) -> bool:
        """True for who is to record that they are stopped: once, until they were quiet for a minute."""
        with self._telling:
            is_new = actor not in self._told
            self._told.add(actor)
        return is_new

    def untold(self, actor: str) -> None:
        """It was not recorded, or is to be recorded anew."""
        with self._telling:
            self._told.discard(actor)


def _key(actor: str) -> str:
    return f"actor {actor}"
