"""Faults of Bongsu itself: nobody else is blamed for them, and none goes by without a trace.

What others do (a disk, a network, a database, an artifact store, an executor's backend) comes as OSError or as
BongsuError, whose code says what to do. Whatever else is raised is a mistake of ours.
"""

from __future__ import annotations

import sqlite3

from bongsu.domain.messages import N_
from bongsu.domain.phrases import Phrase, as_phrase, phrase
from bongsu.domain.problems import BongsuError
from bongsu.machine.fault_log import FaultLog
from bongsu.reconciler.observing import Observer, Unobserved
from bongsu.reconciler.words_of_errors import words_of

OTHERS = (OSError, BongsuError)
# Whatever a server answers, these come of a program that was written wrongly.
_MISTAKES = (TypeError, AttributeError, NameError, NotImplementedError, AssertionError)


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
            error: none of ``OTHERS``.
        """
        self._log.note(where, error)
        return phrase(N_("a fault of Bongsu; report it: {detail}"), detail=as_phrase(words_of(error)))


def is_own(error: Exception) -> bool:
    """Whether an error that came through a library is ours, where that library may raise anything for what its server
    does: it was raised by a line of Bongsu, or is of a kind that no server brings about."""
    if isinstance(error, (*OTHERS, sqlite3.Error)):  # what is written in C has no line of its own
        return False
    return isinstance(error, _MISTAKES) or _module_that_raised(error).partition(".")[0] == "bongsu"


def _module_that_raised(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return str(trace.tb_frame.f_globals.get("__name__", "")) if trace is not None else ""
