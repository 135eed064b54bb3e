"""The executor as the driver uses it: one that may be silent for a while, and is asked again then."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from math import inf

from bongsu.domain.attempt import AttemptSpec, Observation, Phase
from bongsu.domain.capacity import Capacity
from bongsu.domain.ids import AttemptId
from bongsu.domain.messages import N_
from bongsu.domain.mistakes import OTHERS
from bongsu.domain.phrases import Words, as_phrase, phrase
from bongsu.executors.base import EventPage, Executor
from bongsu.reconciler.own_faults import OwnFaults
from bongsu.reconciler.words_of_errors import words_of

# Asking an executor again to stop what does not stop.
CANCEL_AGAIN_S = 5.0
CAPACITY_S = 5.0


class Backend:
    """Wraps an executor; no method raises for what the executor does, mistakes in its code included.

    Args:
        make: makes the executor on the first call and gives the same afterwards.
        monotonic: seconds that only grow.
        own_faults: are told of mistakes.
    """

    def __init__(
        self, make: Callable[[], Executor], monotonic: Callable[[], float], own_faults: OwnFaults | None = None
    ) -> None:
        self._make = make
        self._monotonic = monotonic
        self._own_faults = own_faults or OwnFaults()
        self._troubles: dict[tuple[str, AttemptId | None], Words] = {}
        self._observations: dict[AttemptId, Observation] = {}
        self._capacity: Capacity | None = None
        self._capacity_at = -inf
        self._ensured: set[AttemptId] = set()
        self._cancelled_at: dict[AttemptId, float] = {}

    @cached_property
    def _executor(self) -> Executor:
        return self._make()

    @property
    def trouble(self) -> Words:
        """Why an answer of the executor did not come that nothing has made up for since; empty if there is none."""
        return next(iter(self._troubles.values()), "")

    @property
    def observations(self) -> Mapping[AttemptId, Observation]:
        """What the last :meth:`observe` saw; an attempt that is missing is not known at the moment."""
        return self._observations

    @property
    def is_starting(self) -> bool:
        """True while something that was asked for waits for the backend itself to come up."""
        return any(seen.phase is Phase.STARTING for seen in self._observations.values())

    def observe(self, attempts: Collection[AttemptId]) -> None:
        """Look at these attempts. About no other anything will be asked, and of no other anything is kept."""
        self._observations = {}
        of_interest = {None, *attempts}
        self._ensured &= of_interest
        self._cancelled_at = {one: at for one, at in self._cancelled_at.items() if one in of_interest}
        self._troubles = {call: said for call, said in self._troubles.items() if call[1] in of_interest}
        if not attempts:
            self._troubles.pop(("observe", None), None)
            return
        with self._patiently("observe"):
            self._observations = dict(self._executor.observe(attempts))

    def events(self, attempt: AttemptId, cursor: int) -> EventPage:
        """Events behind ``cursor``; none while the executor is silent."""
        with self._patiently("events", attempt):
            return self._executor.events(attempt, cursor)
        return EventPage((), cursor)

    def capacity(self) -> Capacity | None:
        """What it can run at once, at most ``CAPACITY_S`` seconds old; None while it is silent."""
        now = self._monotonic()
        if now < self._capacity_at + CAPACITY_S:
            return self._capacity
        with self._patiently("capacity"):
            self._capacity, self._capacity_at = self._executor.capacity(), now
            return self._capacity
        return None

    def is_to_start(self, attempt: AttemptId) -> bool:
        """False if this process asked for it and the executor has not lost every trace of it."""
        seen = self._observations.get(attempt)
        return attempt not in self._ensured or (seen is not None and seen.phase is Phase.ABSENT)

    def start(self, attempt: AttemptSpec) -> None:
        """Ask for an attempt."""
        with self._patiently("start", attempt.id):
            self._executor.ensure(attempt)
            self._ensured.add(attempt.id)

    def stop(self, attempt: AttemptId) -> None:
        """Ask to end an attempt; called again and again, it asks again from time to time."""
        self._troubles.pop(("start", attempt), None)
        asked, now = self._cancelled_at.get(attempt, -inf), self._monotonic()
        if now > asked + CANCEL_AGAIN_S:
            with self._patiently("stop", attempt):
                self._executor.cancel(attempt)
                self._cancelled_at[attempt] = now

    def wait(self, timeout_s: float) -> None:
        """Sleep until something may have changed, at most so many seconds."""
        with self._patiently("wait"):
            self._executor.wait(timeout_s)
            return
        time.sleep(timeout_s)  # it must not become a loop without a pause

    @contextmanager
    def _patiently(self, call: str, attempt: AttemptId | None = None) -> Iterator[None]:
        try:
            yield
        except OTHERS as error:
            words = N_("the executor does not answer: {detail}")
            self._troubles[call, attempt] = phrase(words, detail=as_phrase(words_of(error)))
        except Exception as error:  # a mistake over one attempt keeps no other waiting, and an upgrade may mend it
            self._troubles[call, attempt] = self._own_faults.note("a call of the executor, " + call, error)
        else:
            self._troubles.pop((call, attempt), None)
