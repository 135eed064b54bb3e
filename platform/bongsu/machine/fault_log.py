"""Faults of Bongsu that something goes on after, for those who mend them: with where each came from."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

AGAIN_S = 3600.0
"""One that goes on occurring is told again after so many seconds."""
MOST = 1000
"""So many kinds are remembered; of more, those that were told longest ago are told anew."""
_OURS = ("bongsu", "bongsu_stages")


@dataclass(frozen=True)
class _Kind:
    """Where it was caught, what it is, and the line of ours that it came from."""

    where: str
    type: str
    line: str


@dataclass
class _Told:
    at: float
    since: int = 0


class FaultLog:
    """Each kind of fault stands in the log with its traceback, and again each hour in which it occurs, with how often
    it occurred meanwhile: what is tried again every second would fill a disk. Thread-safe.

    Args:
        name: of the logger. Whoever sets the log up takes secrets out of it, tracebacks included.
        count: called for each, told or not.
        monotonic: seconds that only grow.
    """

    def __init__(
        self,
        name: str,
        count: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = logging.getLogger(name)
        self._count = count
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._told: dict[_Kind, _Told] = {}

    def note(self, where: str, error: Exception) -> None:
        """Args: one of few words for the place at which ``error`` was caught, and no name of anybody's."""
        self._count()
        untold = self._due(_Kind(where, type(error).__qualname__, _line(error)))
        if untold is None:
            return
        facts = {"where": where} | ({"untold": untold} if untold else {})
        self._log.error("A fault of Bongsu in %s.", where, exc_info=error, extra={"facts": facts})

    def _due(self, kind: _Kind) -> int | None:
        """How often it occurred since it was told last, without being told; None if it is not to be told now."""
        with self._lock:
            now = self._monotonic()
            told = self._told.pop(kind, None)
            if told is not None and now < told.at + AGAIN_S:
                told.since += 1
                self._told[kind] = told
                return None
            self._told[kind] = _Told(now)
            if len(self._told) > MOST:
                del self._told[min(self._told, key=lambda one: self._told[one].at)]
            return told.since if told is not None else 0


def _line(error: Exception) -> str:
    """File and line of ours that raised it, or that called what did; where none of ours is in it, the last of all."""
    noted = "\n".join(getattr(error, "__notes__", ())).splitlines()
    there = [line.strip() for line in noted if line.lstrip().startswith("File ")]
    if there:  # it was raised in another process, whose traceback came with it as text
        return there[-1]
    found, ours, trace = "", "", error.__traceback__
    while trace is not None:
        found = _place(trace)
        if str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0] in _OURS:
            ours = found
        trace = trace.tb_next
    return ours or found


def _place(trace: TracebackType) -> str:
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
