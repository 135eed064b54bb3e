"""The executor of one machine, as the conformance suite takes it."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
from executor_host import ExecutorHost
from installed_code import code_of

from bongsu.artifacts.local import LocalStore
from bongsu.domain.attempt import AttemptSpec
from bongsu.domain.events import Message, StageEvent
from bongsu.domain.ids import AttemptId, RunId, StageId
from bongsu.domain.labels import OPEN
from bongsu.domain.resources import Resources
from bongsu.executors.local_ray.executor import LocalRayExecutor
from bongsu.executors.local_ray.session import RaySettings
from bongsu.executors.local_ray.surroundings import LocalSurroundings

CPUS = 2
EXECUTORS_CHILDREN = {"bongsu.executors.local_ray.host", "bongsu.machine.watchdog"}


def make(home: str, cpus: float = CPUS, address: str | None = None) -> LocalRayExecutor:
    """An executor whose traces lie in ``home``."""
    root = Path(home)
    surroundings = LocalSurroundings(
        logs=root / "logs",
        environments=root / "environments",
        ray_log=root / "ray.log",
        environment=os.environ,
        clock=time.time,
        monotonic=time.monotonic,
    )
    return LocalRayExecutor(surroundings, RaySettings(address, cpus))


def spec(folder: Path, number: int = 1) -> AttemptSpec:
    """An attempt at a stage that does nothing, with its artifact store in ``folder``."""
    attempt = AttemptId(run_id=RunId("r-000000000001"), stage_id=StageId("a"), number=number)
    return AttemptSpec(
        id=attempt,
        uses="probe",
        code=code_of("probe"),
        params={},
        inputs={},
        outputs={},
        label=OPEN,
        resources=Resources(),
        artifact_store=(folder / "artifacts").as_uri(),
        checkpoint_key="work/a",
    )


class LocalRayHarness:
    """See ``executor_suite.ExecutorHarness``."""

    parallel = CPUS
    outlives = False
    patience_s = 60.0

    def __init__(self, home: Path) -> None:
        self.home = home
        self._executor = make(str(home))
        self._hosts: list[ExecutorHost] = []
        self.store = LocalStore(home / "artifacts")

    def executor(self) -> LocalRayExecutor:
        return self._executor

    def another(self) -> LocalRayExecutor:
        return make(str(self.home))

    def host(self) -> ExecutorHost:
        return ExecutorHost("local_ray_harness:make", {"home": str(self.home)})

    def kill_infrastructure(self) -> None:
        kill_ray("gcs_server", "raylet")

    def alive(self, attempt: AttemptId, events: Sequence[StageEvent]) -> list[str]:
        del attempt
        return [event.text for event in events if isinstance(event, Message) and _is_alive(event.text)]

    def close(self) -> None:
        self._executor.close()


def ray_processes() -> list[psutil.Process]:
    """Every process that this one's executors have started, and nothing that other tests have."""
    return [
        process
        for child in psutil.Process().children()
        if not EXECUTORS_CHILDREN.isdisjoint(child.cmdline())
        for process in [child, *child.children(recursive=True)]
    ]


def kill_ray(*names: str) -> None:
    """SIGKILL for these processes of the Ray that this process's executors have started."""
    found = [process for process in ray_processes() if process.name() in names]
    assert sorted(process.name() for process in found) == sorted(names)
    for process in found:
        process.kill()


def _is_alive(text: str) -> bool:
    kind, _, pid = text.partition(" ")
    if kind not in ("process", "child"):
        return False
    try:
        return psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
