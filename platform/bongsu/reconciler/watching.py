"""Events of live attempts: taken from the executor, kept for whoever watches, and thinned into the store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from bongsu.domain.events import Checkpointed, StageEvent
from bongsu.domain.ids import AttemptId, RunId
from bongsu.domain.phrases import Phrase
from bongsu.executors.base import EventPage
from bongsu.reconciler.progress import AttemptProgress, Point
from bongsu.store.history import NewEvent
from bongsu.store.records import AttemptRecord

SAVE_S = 2.0
Read = Callable[[AttemptId, int], EventPage]


@dataclass(frozen=True)
class Unsaved:
    """What an attempt reported and the store does not have: points of metrics, log entries, the last step, and the
    cursor behind all of it."""

    attempt: AttemptId
    points: Sequence[Point]
    log: Sequence[NewEvent]
    step: int | None
    cursor: int


class Watching:
    """Progress of attempts by id. Losing it loses nothing but smoothness.

    Args:
        monotonic: seconds that only grow.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self.progress: dict[AttemptId, AttemptProgress] = {}
        self._saved_at: dict[AttemptId, float] = {}

    def look(self, read: Read, attempts: Collection[AttemptRecord]) -> set[RunId]:
        """Take new events in; returns the runs that had any.

        Args:
            read: gives the events of an attempt behind a cursor.
            attempts: an earlier driver may have written down some of their events.
        """
        moved = set()
        for attempt in attempts:
            known = self.progress.get(attempt.id)
            if known is None:
                known = _taken_over(read, attempt)
                if known is None:
                    continue
                self.progress[attempt.id] = known
            page = read(attempt.id, known.cursor)
            known.cursor = page.cursor
            if known.take(page.events):
                moved.add(attempt.id.run_id)
        return moved

    def is_due(self, live: Collection[AttemptRecord]) -> bool:
        """True if something of these should be written now."""
        now = self._monotonic()
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
                self._saved_at[attempt.id] = self._monotonic()
        for attempt_id in ended:
            self._saved_at.pop(attempt_id, None)

    def forget(self, runs: Collection[RunId]) -> None:
        """Nobody watches these runs any more."""
        for attempt in [attempt for attempt in self.progress if attempt.run_id in runs]:
            del self.progress[attempt]
            self._saved_at.pop(attempt, None)

    def _of(self, attempt: AttemptId, *, at_end: bool) -> Unsaved:
        known = self.progress[attempt]
        log = [
            NewEvent(event.type, attempt.stage_id, attempt.number, _body(event)) for event in known.notes_to_keep()
        ]
        return Unsaved(attempt, known.points_to_keep(at_end=at_end), log, known.reached, known.cursor)


def _body(event: StageEvent) -> dict[str, object]:
    """What the log has of an event; words are in English there."""
    body = event.model_dump(exclude={"type"})
    return {name: str(value) if isinstance(value, Phrase) else value for name, value in body.items()}


def _taken_over(read: Read, attempt: AttemptRecord) -> AttemptProgress | None:
    """Progress as far as earlier drivers wrote it down; None while the executor is silent.

    Whether the step in the store is one that a checkpoint holds does not stand there; the events tell.
    """
    known = AttemptProgress(cursor=attempt.events_cursor, before=attempt.last_step)
    if attempt.events_cursor:
        page = read(attempt.id, 0)
        if not page.cursor:
            return None
        safe = [event.step for event in page.events if isinstance(event, Checkpointed)]
        known.safe_step = safe[-1] if safe else None
    return known
