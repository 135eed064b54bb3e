"""Faults of Bongsu that something goes on after, for those who mend them: with where each came from."""

from __future__ import annotations

import logging
from collections.abc import Callable


class FaultLog:
    """Each kind of fault stands once in the log for each place at which it was caught, with its traceback: what is
    tried again every second would fill a disk. Thread-safe.

    Args:
        name: of the logger. Whoever sets the log up takes secrets out of it, tracebacks included.
        count: called for each, told before or not.
    """

    def __init__(self, name: str, count: Callable[[], None] = lambda: None) -> None:
        self._log = logging.getLogger(name)
        self._count = count
        self._told: set[tuple[str, type[Exception]]] = set()

    def note(self, where: str, error: Exception) -> None:
        """Args: one of few words for the place at which ``error`` was caught, and no name of anybody's."""
        self._count()
        if (where, type(error)) not in self._told:
            self._told.add((where, type(error)))
            self._log.error("A fault of Bongsu in %s.", where, exc_info=error, extra={"facts": {"where": where}})
