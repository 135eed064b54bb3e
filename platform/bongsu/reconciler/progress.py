"""How far an attempt is: its events, taken in as they come, and thinned for keeping."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field

from bongsu.domain.events import Checkpointed, Message, PhaseEntered, Progress, StageEvent
from bongsu.domain.phrases import Words

# Points of a metric that are kept, about; a loss curve needs no more.
KEPT_POINTS = 400
WINDOW = 20
MAX_NOTES = 1000
Point = tuple[str, int, float, float]
"""Name, step, value, time."""


@dataclass
class AttemptProgress:
    """Grows with the events of one attempt.

    Attributes:
        before: the step that it had come to when an earlier driver last said so.
        safe_step: what its last checkpoint holds.
    """

    cursor: int = 0
    before: int | None = None
    step: int | None = None
    total: int | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    phase: Words = ""
    message: str = ""
    safe_step: int | None = None
    _saved_step: int | None = field(init=False)
    _window: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=WINDOW))
    _points: list[Point] = field(default_factory=list)
    _latest: dict[str, Point] = field(default_factory=dict)
    _kept_step: dict[str, int] = field(default_factory=dict)
    _notes: list[StageEvent] = field(default_factory=list)
    _noted: int = 0

    def __post_init__(self) -> None:
        self._saved_step = self.before

    def take(self, events: Iterable[StageEvent]) -> bool:
        """Take in more events; True if there were any."""
        any_came = False
        for event in events:
            any_came = True
            match event:
                case Progress():
                    self._progress(event)
                case Message():
                    self.message = event.text
                    self._note(event)
                case PhaseEntered():
                    self.phase = event.name
                    self._note(event)
                case Checkpointed():
                    self.safe_step = event.step
                    self._note(event)
        return any_came

    def copy(self) -> AttemptProgress:
        """As it is now; what comes later changes nothing of it."""
        made = copy(self)
        made.metrics, made._window = dict(self.metrics), self._window.copy()
        made._points, made._notes = list(self._points), list(self._notes)
        made._latest, made._kept_step = dict(self._latest), dict(self._kept_step)
        return made

    @property
    def rate(self) -> float | None:
        """Steps per second over the last events."""
        if len(self._window) < 2:
            return None
        (t0, s0), (t1, s1) = self._window[0], self._window[-1]
        return (s1 - s0) / (t1 - t0) if t1 > t0 and s1 > s0 else None

    @property
    def seconds_left(self) -> float | None:
        """At the present rate, to the last step; None while that cannot be said."""
        rate = self.rate
        if rate is None or self.total is None or self.step is None:
            return None
        return max(0.0, (self.total - self.step) / rate)

    @property
    def reached(self) -> int | None:
        """The step it came to; the safe one where it writes checkpoints, because a later attempt starts there."""
        known = (self.safe_step, self.step, self.before)
        return next((step for step in known if step is not None), None)

    @property
    def has_unsaved(self) -> bool:
        return bool(self._points or self._notes or self._saved_step != self.reached)

    def points_to_keep(self, *, at_end: bool = False) -> list[Point]:
        """Points that were not saved; at the end of the attempt with the very last of each metric."""
        if not at_end:
            return list(self._points)
        last = [point for name, point in self._latest.items() if self._kept_step.get(name) != point[1]]
        return self._points + last

    def notes_to_keep(self) -> list[StageEvent]:
        """Messages, phases and checkpoints that were not saved."""
        return list(self._notes)

    def mark_saved(self) -> None:
        """What there is to keep was kept."""
        self._points, self._notes, self._saved_step = [], [], self.reached

    def _progress(self, event: Progress) -> None:
        if self.step is not None and event.step < self.step:
            self._window.clear()
        self.step, self.total = event.step, event.total
        self._window.append((event.time, event.step))
        self.metrics |= event.metrics
        stride = max(1, (event.total or 0) // KEPT_POINTS)
        for name, value in event.metrics.items():
            point = (name, event.step, value, event.time)
            self._latest[name] = point
            kept = self._kept_step.get(name)
            if kept is None or event.step - kept >= stride or event.step < kept:
                self._points.append(point)
                self._kept_step[name] = event.step

    def _note(self, event: StageEvent) -> None:
        self._noted += 1
        if self._noted <= MAX_NOTES:
            self._notes.append(event)
