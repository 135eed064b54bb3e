"""Events of live attempts: taken from the executor, kept for whoever watches, and thinned into the store."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bongsu.domain.ids import AttemptId, RunId
from bongsu.executors.base import Executor
from bongsu.reconciler.progress import AttemptProgress, Point
from bongsu.store.history import NewEvent
from bongsu.store.records import AttemptRecord

SAVE_S = 2.0


@dataclass(frozen=True)
class Unsaved:
    """What an attempt reported and the store does not have: points of metrics, log entries, the last step."""

    attempt: AttemptId
    points: Sequence[Point]
    log: Sequence[NewEvent]
    step: int | None


class Watching:
    """Progress of attempts by id. Losing it loses nothing but smoothness."""

    def __init__(self) -> None:
        self.progress: dict[AttemptId, AttemptProgress] = {}
        self._saved_at: dict[AttemptId, float] = {}

    def look(self, executor: Executor, attempts: Collection[AttemptId]) -> set[RunId]:
        """Take new events in; returns the runs that had any."""
        moved = set()
        for attempt in attempts:
            known = self.progress.setdefault(attempt, AttemptProgress())
            page = executor.events(attempt, known.cursor)
            known.cursor = page.cursor
            if known.take(page.events):
                moved.add(attempt.run_id)
        return moved

    def is_due(self, live: Collection[AttemptRecord]) -> bool:
        """True if something of these should be written now."""
        now = time.monotonic()
        return any(
            self.progress[attempt.id].has_unsaved and now > self._saved_at.setdefault(attempt.id, now) + SAVE_S
            for attempt in live
            if attempt.id in self.progress
        )

    def unsaved(self, live: Collection[AttemptRecord], ended: Collection[AttemptId]) -> list[Unsaved]:
        """Everything that is not in the store yet; :meth:`saved` says that it is now."""
        return [self._of(attempt.id, at_end=attempt.id in ended) for attempt in live if attempt.id in self.progress]

    def saved(self, live: Collection[AttemptRecord], ended: Collection[AttemptId]) -> None:
        """What :meth:`unsaved` gave was written."""
        for attempt in live:
            if attempt.id in self.progress:
                self.progress[attempt.id].mark_saved()
                self._saved_at[attempt.id] = time.monotonic()
        for attempt_id in ended:
            self._saved_at.pop(attempt_id, None)

    def _of(self, attempt: AttemptId, *, at_end: bool) -> Unsaved:
        known = self.progress[attempt]
        log = [
            NewEvent(event.type, attempt.stage_id, attempt.number, event.model_dump(exclude={"type"}))
            for event in known.notes_to_keep()
        ]
        return Unsaved(attempt, known.points_to_keep(at_end=at_end), log, known.reached)
