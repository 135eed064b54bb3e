"""The use cases on a simulated cluster that finishes everything at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler_faults import GatedPublisher, Registry
from simulated_executor import SimulatedCluster, SimulatedExecutor
from store_places import NOW, store_at

from bongsu.artifacts.local import LocalStore
from bongsu.domain.attempt import AttemptSpec
from bongsu.domain.capacity import Capacity
from bongsu.domain.ids import AttemptId, RunId
from bongsu.reconciler.lock import FileLock
from bongsu.service.driving import DRAIN_S, Driven, open_driver
from bongsu.service.platform import Platform
from bongsu.service.watching import RunProgress
from bongsu.store.database import Database

CAPACITY = Capacity(cpus=4, gpus=0, memory=16_000_000_000)


def drive(
    platform: Platform,
    run_ids: Sequence[RunId],
    on_update: Callable[[RunProgress], None] | None = None,
    drain_s: float = DRAIN_S,
) -> Driven:
    """Take the right to drive, and drive."""
    with open_driver(platform) as driving:
        return driving.drive(run_ids, on_update, drain_s)


class PromptExecutor(SimulatedExecutor):
    """Does to every attempt what ``fate`` says, as soon as it is asked for; lets go of what is cancelled."""

    def __init__(self, cluster: SimulatedCluster, fate: Callable[[AttemptId], None]) -> None:
        super().__init__(cluster)
        self._fate = fate

    def ensure(self, attempt: AttemptSpec) -> None:
        is_new = attempt.id not in self._cluster.jobs
        super().ensure(attempt)
        if is_new:
            self._fate(attempt.id)

    def cancel(self, attempt: AttemptId) -> None:
        super().cancel(attempt)
        if attempt in self._cluster.live:
            self._cluster.obey(attempt)


class Place:
    """A platform in a directory. ``fate`` decides what becomes of attempts: success, if a test does not say.

    Args:
        folder: everything lies here.
        database: the store; a file in the folder if none is given.
        now: seconds since the epoch; the clock stands still until a test moves it.
    """

    def __init__(self, folder: Path, database: Database | None = None, now: float = NOW) -> None:
        self.now = now
        self.folder = folder
        self.registry = Registry()
        publisher = GatedPublisher(self.registry)
        publisher.gate.set()
        artifacts = LocalStore(folder / "artifacts")
        self.cluster = SimulatedCluster(artifacts, CAPACITY, lambda: self.now)
        self.fate: Callable[[AttemptId], None] = self.cluster.succeed
        executor = PromptExecutor(self.cluster, self._meet_fate)
        self.platform = Platform(
            home=folder,
            database=database or store_at(folder),
            stores=lambda _tenant: artifacts,
            executor=lambda: executor,
            publisher=publisher,
            lock=FileLock(folder / "driver.lock"),
            clock=lambda: self.now,
        )

    def _meet_fate(self, attempt: AttemptId) -> None:
        self.fate(attempt)

    def other_process(self, **changes: Any) -> Platform:
        """The same place as another process sees it."""
        return replace(self.platform, lock=FileLock(self.folder / "driver.lock"), **changes)

    def close(self) -> None:
        self.platform.close()
