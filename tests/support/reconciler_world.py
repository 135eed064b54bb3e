"""Everything the real driver needs, on files of its own: it can be killed at any point and built anew."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reconciler_faults import Faults, FaultyDatabase, FaultyStore, GatedPublisher, Killed, Registry
from simulated_executor import SimulatedCluster, SimulatedExecutor
from small_plans import planned_input, source, stage
from sqlalchemy import event
from store_places import empty_database

from bongsu.artifacts.local import LocalStore
from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.capacity import Capacity
from bongsu.domain.ids import Digest, RunId
from bongsu.domain.plan import PlannedInput, PlannedStage
from bongsu.reconciler.delivery import Delivery
from bongsu.reconciler.driver import Driver, Surroundings
from bongsu.reconciler.lock import FileLock
from bongsu.reconciler.observing import Observer, Unobserved
from bongsu.reconciler.tracking_line import Patience
from bongsu.service.platform import Platform
from bongsu.store.database import Database, open_database

CAPACITY = Capacity(cpus=4, gpus=0, memory=16_000_000_000)
# The tracking server hears of things when a test asks for it; a failed call is tried again when the process ends.
PATIENT = Patience(quiet=1e6, look=1e6, retry=1e6, again=1e6)


def fast_folder() -> Path:
    """A new directory, in memory where there is such a place: nothing here depends on the disk."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="bongsu-", dir=memory if memory.is_dir() else None))


def connect(path: Path) -> Any:
    """An engine as ``open_database`` makes it, on a file that is migrated; without waiting for the disk."""
    engine = open_database(f"sqlite:///{path}").engine
    event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous=OFF"))
    engine.dispose()
    return engine


def _own_database(folder: Path) -> Database:
    (folder / "bongsu.db").write_bytes(empty_database())
    return Database(connect(folder / "bongsu.db"))


class World:
    """Store, artifacts, cluster and registry stay; the process (``driver``, ``platform``) comes and goes. The store is
    a file of its own, unless another ``database`` is given, which stays open."""

    def __init__(
        self, capacity: Capacity = CAPACITY, database: Database | None = None, observer: Observer | None = None
    ) -> None:
        self.folder = fast_folder()
        self.now = 1_700_000_000.0
        self.ticks = 0.0
        self.faults = Faults()
        self.registry = Registry()
        self.artifacts = LocalStore(self.folder / "artifacts")
        self.cluster = SimulatedCluster(self.artifacts, capacity, lambda: self.now)
        self._observer = observer or Unobserved()
        self._is_own = database is None
        self.database = database or _own_database(self.folder)
        self.checked: dict[RunId, int] = {}
        self._runs = 0
        self._boot()

    def _boot(self) -> None:
        faulty = FaultyDatabase(self.database.engine, self.faults)
        store = FaultyStore(self.artifacts, self.faults)
        self.executor = SimulatedExecutor(self.cluster, self.faults.hit)
        self.publisher = GatedPublisher(self.registry)
        self.delivery = Delivery(self.database, self.publisher, lambda _tenant: self.artifacts, PATIENT)
        self.driver = Driver(
            Surroundings(
                faulty,
                lambda _tenant: store,  # type: ignore[arg-type,return-value]
                lambda: self.executor,
                self.delivery,
                lambda: self.now,
                lambda: self.ticks,  # type: ignore[arg-type]
                observer=self._observer,
            )
        )
        self.platform = self._platform(faulty)

    def _platform(self, database: Database) -> Platform:
        return Platform(
            home=self.folder,
            database=database,
            stores=lambda _tenant: self.artifacts,
            executor=lambda: SimulatedExecutor(self.cluster),
            publisher=self.publisher,
            lock=FileLock(self.folder / "driver.lock"),
            clock=lambda: self.now,
            new_run_id=self._new_run_id,
        )

    def _new_run_id(self, _now: float) -> RunId:
        self._runs += 1
        return RunId(f"r-{self._runs:012d}")

    @property
    def elsewhere(self) -> Platform:
        """The platform as another process sees it: no fault reaches it."""
        return self._platform(self.database)

    def unless_killed(self, act: Callable[[], Any]) -> Any:
        """What ``act`` returns; None if the process was killed meanwhile, and a new one is there then."""
        try:
            return act()
        except Killed:
            self.kill()
            return None
        finally:
            self.faults.disarm()

    def kill(self) -> None:
        """The process ends without doing anything more; another one begins."""
        self.faults.disarm()
        self._end()
        self._boot()

    def answer_registrations(self) -> None:
        """The registry does what it was asked for."""
        self.publisher.gate.set()
        self.delivery.registrar.wait(10)
        self.publisher.gate.clear()

    def close(self) -> None:
        self._end()
        if self._is_own:
            self.database.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self) -> None:
        self.publisher.end()
        self.delivery.close()


def registration_inputs(artifacts: LocalStore) -> tuple[PlannedInput, PlannedInput]:
    """A model, and a verification that it passed, as inputs ``base`` and ``proof``."""
    model = _tree(artifacts, "config.json", {"model_type": "probe"})
    proof = _tree(artifacts, "verification.json", {"entries": [{"modelDigest": model[0], "passed": True}]})
    base = ArtifactRef(digest=model[0], type=ArtifactType.MODEL, size=model[1])
    verification = ArtifactRef(digest=proof[0], type=ArtifactType.VERIFICATION, size=proof[1])
    return planned_input("base", "file:base", base), planned_input("proof", "file:proof", verification)


def registering_stage(name: str, *after: str) -> PlannedStage:
    """A stage that registers the model of :func:`registration_inputs`."""
    inputs = {"model": (source("inputs.base"),), "verifications": (source("inputs.proof"),)}
    return stage(
        name,
        inputs=inputs | {"after": tuple(map(source, after))} if after else inputs,
        outputs={"registration": ArtifactType.REGISTRATION},
        params={"name": "light"},
        cacheable=False,
    )


def _tree(artifacts: LocalStore, path: str, content: Any) -> tuple[Digest, int]:
    writer = artifacts.writer(f"given/{path}")
    with writer.create(path) as file:
        file.write(json.dumps(content).encode())
    manifest = writer.commit()
    return manifest.digest, manifest.size
