"""How far attempts are that somebody looks at: what an attempt told before is not read again at the next look."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from bongsu.domain.ids import AttemptId
from bongsu.executors.base import EventPage
from bongsu.reconciler.progress import AttemptProgress

MOST = 2000
"""Attempts of which it is kept; of those that were looked at longest ago everything is read once more."""
Read = Callable[[AttemptId, int], EventPage]


@dataclass
class _Known:
    progress: AttemptProgress = field(default_factory=AttemptProgress)
    # One look at a time: what two take in at once would be counted twice.
    looking: threading.Lock = field(default_factory=threading.Lock)


class LiveProgress:
    """Of any number of runs, for all who ask this process. Losing it costs the time of one look.

    Args:
        most: attempts of which it is kept.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: OrderedDict[AttemptId, _Known] = OrderedDict()
        self._finding = threading.Lock()

    def look(self, read: Read, attempts: Iterable[AttemptId]) -> dict[AttemptId, AttemptProgress]:
        """As far as each has come by now.

        Args:
            read: gives the events of an attempt behind a cursor.
            attempts: that are under way.

        Returns:
            A copy of each, which stays as it is.
        """
        return {attempt: self._look(read, attempt) for attempt in attempts}

    def _look(self, read: Read, attempt: AttemptId) -> AttemptProgress:
        known = self._of(attempt)
        with known.looking:
            page = read(attempt, known.progress.cursor)
            known.progress.cursor = page.cursor
            known.progress.take(page.events)
            known.progress.mark_saved()  # the reconciler keeps what is to be kept
            return known.progress.copy()

    def _of(self, attempt: AttemptId) -> _Known:
        with self._finding:
            known = self._known.setdefault(attempt, _Known())
            self._known.move_to_end(attempt)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
            return known
