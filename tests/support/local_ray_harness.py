"""The executor of one machine, as the conformance suite takes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import psutil
from executor_host import ExecutorHost

from bongsu.artifacts.local import LocalStore
from bongsu.domain.events import Message, StageEvent
from bongsu.domain.ids import AttemptId
from bongsu.executors.local_ray.executor import LocalRayExecutor
from bongsu.executors.local_ray.session import RaySession

CPUS = 2


def make(home: str) -> LocalRayExecutor:
    """An executor whose traces lie in ``home``."""
    root = Path(home)
    return LocalRayExecutor(root / "logs", root / "environments", RaySession(cpus=CPUS))


class LocalRayHarness:
    """See ``executor_suite.ExecutorHarness``."""

    parallel = CPUS
    outlives = False
    patience_s = 60.0

    def __init__(self, home: Path) -> None:
        self._home = home
        self._executor = make(str(home))
        self._hosts: list[ExecutorHost] = []
        self.store = LocalStore(home / "artifacts")

    def executor(self) -> LocalRayExecutor:
        return self._executor

    def another(self) -> LocalRayExecutor:
        return make(str(self._home))

    def host(self) -> ExecutorHost:
        return ExecutorHost("local_ray_harness:make", {"home": str(self._home)})

    def alive(self, attempt: AttemptId, events: Sequence[StageEvent]) -> list[str]:
        del attempt
        return [event.text for event in events if isinstance(event, Message) and _is_alive(event.text)]

    def close(self) -> None:
        self._executor.close()


def _is_alive(text: str) -> bool:
    kind, _, pid = text.partition(" ")
    if kind not in ("process", "child"):
        return False
    try:
        return psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
