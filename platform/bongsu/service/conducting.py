"""The thread of a server that drives every run, whoever submitted it, until the server ends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bongsu.domain.problems import BongsuError
from bongsu.reconciler.driver import Driver, Surroundings
from bongsu.service.delivering import begin_delivery
from bongsu.service.platform import Platform

# How long a database or an executor that failed is left alone.
AFTER_FAULT_S = 2.0
# How long a replica that does not lead waits before it asks again.
AFTER_REFUSAL_S = 1.0
END_S = 30.0
_log = logging.getLogger("bongsu.conducting")


class Conductor:
    """Drives all runs while it holds the driver's lock; of several replicas one does."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._ends = threading.Event()

    def end(self) -> None:
        """Stop as soon as the step that is being done is done. What workers do goes on, and is found again."""
        self._ends.set()

    def run(self) -> None:
        """Drive until :meth:`end` is called."""
        while not self._ends.is_set():
            try:
                with self._platform.lock:
                    self._lead()
            except BongsuError as error:
                _log.info("not driving: %s", error)
                self._ends.wait(AFTER_REFUSAL_S)
            except Exception:
                _log.exception("driving failed; it is begun anew")
                self._ends.wait(AFTER_FAULT_S)

    def _lead(self) -> None:
        platform = self._platform
        delivery = begin_delivery(platform)
        try:
            surroundings = Surroundings(
                platform.database, platform.stores, platform.executor, delivery, platform.clock
            )
            driver = Driver(surroundings)
            known: frozenset[str] = frozenset()
            while not self._ends.is_set():
                driver.step_all()
                if driver.driven != known:
                    known = driver.driven
                    platform.lock.note(sorted(driver.driven))
                driver.wait()
        finally:
            delivery.close()


@contextmanager
def conducted(platform: Platform) -> Iterator[Conductor]:
    """A conductor at work, until the end of the block."""
    conductor = Conductor(platform)
    thread = threading.Thread(target=conductor.run, name="conductor", daemon=True)
    thread.start()
    try:
        yield conductor
    finally:
        conductor.end()
        thread.join(END_S)
