"""How often somebody may do something: buckets that fill evenly (token buckets), one for each of them."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable


class Buckets:
    """Args:
    a_minute: how fast each fills.
    holds: how much is in a full one, as each is at first.
    owes: how far one goes below zero, for what is taken although there was nothing.
    monotonic: seconds that only grow.
    """

    _MOST_KEYS = 10_000

    def __init__(
        self, a_minute: int, holds: float, monotonic: Callable[[], float] = time.monotonic, owes: float = 0.0
    ) -> None:
        self.a_minute = a_minute
        self.holds = holds
        self._owes = owes
        self._monotonic = monotonic
        # By kind of key: strangers, of whom there may be any number, push nobody out who has signed in.
        self._found: dict[str, dict[str, tuple[float, float]]] = defaultdict(dict)
        # Requests are answered in threads: of two that find no bucket each would make a full one.
        self._taking = threading.Lock()

    def take(self, key: str) -> float:
        """One out of a bucket, if there is one or it may owe one; how much there was.

        Args:
            key: a kind, a blank, and a name.
        """
        kind, _, _rest = key.partition(" ")
        with self._taking:
            left, now = self._left(key), self._monotonic()
            buckets = self._found[kind]
            buckets.pop(key, None)
            while len(buckets) >= self._MOST_KEYS:
                buckets.pop(next(iter(buckets)))  # the one that was quiet for longest
            buckets[key] = (left - 1 if left >= 1 - self._owes else left, now)
        return left

    def left(self, key: str) -> float:
        """How much there is."""
        with self._taking:
            return self._left(key)

    def wait_s(self, left: float) -> float:
        """Until there is one in a bucket that has so much; seconds."""
        return max(0.0, (1 - left) * 60 / self.a_minute)

    def _left(self, key: str) -> float:
        kind, _, _rest = key.partition(" ")
        now = self._monotonic()
        left, since = self._found[kind].get(key, (self.holds, now))
        return min(self.holds, left + (now - since) * self.a_minute / 60)
