"""A simulated cluster that outlives whoever asks it: it lives in the test's process, and is asked from others."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any

from simulated_executor import SimulatedCluster, SimulatedExecutor

from bongsu.domain.attempt import AttemptSpec, Observation
from bongsu.domain.capacity import Capacity
from bongsu.domain.ids import AttemptId
from bongsu.executors.base import EventPage

_SECRET = b"of one test"
LOOK_S = 0.02


class _Door(BaseManager):
    """The way to a cluster through a socket."""


class _Counter:
    """What is asked of a cluster, one call at a time: many processes do, and its workers go on meanwhile."""

    def __init__(self, cluster: SimulatedCluster, turn: threading.RLock) -> None:
        self._executor, self._turn = SimulatedExecutor(cluster), turn

    def capacity(self) -> Capacity:
        return self._executor.capacity()

    def ensure(self, attempt: AttemptSpec) -> None:
        with self._turn:
            self._executor.ensure(attempt)

    def observe(self, attempts: list[AttemptId]) -> Mapping[AttemptId, Observation]:
        with self._turn:
            return self._executor.observe(attempts)

    def cancel(self, attempt: AttemptId) -> None:
        with self._turn:
            self._executor.cancel(attempt)

    def events(self, attempt: AttemptId, cursor: int) -> EventPage:
        with self._turn:
            return self._executor.events(attempt, cursor)


class Workers:
    """Does the cluster's work: attempts begin, take a moment, succeed, and obey when they are asked to stop.

    Attributes:
        pause_s: how long an attempt takes at most; a test may change it at any time.
        are_off: while it is set, nothing moves.
    """

    def __init__(self, cluster: SimulatedCluster, turn: threading.RLock, chance: random.Random) -> None:
        self.pause_s = 0.1
        self.are_off = threading.Event()
        self._cluster, self._turn, self._chance = cluster, turn, chance
        self._due: dict[AttemptId, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="workers", daemon=True)

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join(10)

    def _work(self) -> None:
        while not self._over.wait(LOOK_S):
            if self.are_off.is_set():
                continue
            with self._turn:
                for attempt in self._cluster.live:
                    self._move(attempt)

    def _move(self, attempt: AttemptId) -> None:
        job, now = self._cluster.jobs[attempt], time.monotonic()
        if attempt not in self._due:
            self._cluster.start(attempt)
            self._due[attempt] = now + self._chance.uniform(0, self.pause_s)
        elif job.asked_to_stop:
            self._cluster.obey(attempt)
        elif now >= self._due[attempt]:
            self._cluster.succeed(attempt)


def _serve(server: Any) -> None:
    with suppress(SystemExit):  # by which it ends: it is made for a process of its own
        server.serve_forever()


@contextmanager
def served(cluster: SimulatedCluster, address: Path, chance: random.Random) -> Iterator[Workers]:
    """Let other processes ask the cluster at a socket, and have its work done, until the end of the block."""
    turn = threading.RLock()
    counter = _Counter(cluster, turn)
    _Door.register("counter", lambda: counter)
    server = _Door(address=str(address), authkey=_SECRET).get_server()
    threading.Thread(target=_serve, args=(server,), name="cluster", daemon=True).start()
    workers = Workers(cluster, turn, chance)
    workers.begin()
    try:
        yield workers
    finally:
        workers.end()
        server.stop_event.set()  # type: ignore[attr-defined]
        server.listener.close()  # type: ignore[attr-defined]


class FarExecutor:
    """What another process holds of the cluster. Implements :class:`bongsu.executors.base.Executor`."""

    name = "simulated"

    def __init__(self, address: Path) -> None:
        _Door.register("counter")
        door = _Door(address=str(address), authkey=_SECRET)
        door.connect()
        self._counter: Any = door.counter()  # type: ignore[attr-defined]

    def capacity(self) -> Capacity:
        found: Capacity = self._counter.capacity()
        return found

    def ensure(self, attempt: AttemptSpec) -> None:
        self._counter.ensure(attempt)

    def observe(self, attempts: Collection[AttemptId]) -> Mapping[AttemptId, Observation]:
        found: Mapping[AttemptId, Observation] = self._counter.observe(list(attempts))
        return found

    def cancel(self, attempt: AttemptId) -> None:
        self._counter.cancel(attempt)

    def wait(self, timeout_s: float) -> None:
        time.sleep(min(timeout_s, 0.05))

    def events(self, attempt: AttemptId, cursor: int = 0) -> EventPage:
        found: EventPage = self._counter.events(attempt, cursor)
        return found

    def logs(
        self, attempt: AttemptId, follow: bool = False, goes_on: Callable[[], bool] = lambda: True
    ) -> Iterator[str]:
        return iter(())

    def close(self) -> None:
        pass
