"""Faults of Bongsu itself, as the reconciler tells of them: nobody else is blamed, and none goes by without a trace."""

from __future__ import annotations

from bongsu.domain.messages import N_
from bongsu.domain.phrases import Phrase, as_phrase, phrase
from bongsu.machine.fault_log import FaultLog
from bongsu.reconciler.observing import Observer, Unobserved
from bongsu.reconciler.words_of_errors import words_of


class OwnFaults:
    """Tells of each in the log, and counts it. Thread-safe.

    Args:
        observer: counts.
    """

    def __init__(self, observer: Observer | None = None) -> None:
        self._log = FaultLog("bongsu.reconciler", (observer or Unobserved()).failed)

    def note(self, where: str, error: Exception) -> Phrase:
        """What to tell people of it.

        Args:
            where: one of few words for the place at which it was caught, and no name of anybody's.
            error: a mistake, as :mod:`bongsu.domain.mistakes` has it.
        """
        self._log.note(where, error)
        return phrase(N_("a fault of Bongsu; report it: {detail}"), detail=as_phrase(words_of(error)))
