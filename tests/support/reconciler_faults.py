"""A database, an artifact store and a registry that fail when a test says so."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine

from bongsu.artifacts.base import ArtifactStore
from bongsu.domain.publication import ModelPage, Publication, RegisteredVersion, RegistrationRequest
from bongsu.store.database import Database
from bongsu.store.scope import AT_HOME, Scope


class Killed(BaseException):
    """The process ends here, as by ``kill -9``: nobody catches this."""


class Faults:
    """What goes wrong, and at which of the points that the code passes.

    Points are named ``executor: ...``, ``artifacts: ...`` and ``database: ...``. A fault that is armed strikes once.
    """

    def __init__(self) -> None:
        self.passed: list[str] = []
        self._countdown = 0
        self._strike: Callable[[str], None] | None = None

    def kill_at(self, countdown: int) -> None:
        """At the ``countdown``-th point from now the process ends."""

        def strike(point: str) -> None:
            raise Killed(point)

        self._arm(countdown, strike)

    def fail_at(self, countdown: int) -> None:
        """The ``countdown``-th call of the executor or the artifact store from now gets no answer."""

        def strike(point: str) -> None:
            if not point.startswith("database"):
                raise TimeoutError(f"no answer ({point})")

        self._arm(countdown, strike)

    def do_at(self, countdown: int, act: Callable[[], None]) -> None:
        """At the ``countdown``-th transaction from now another process is faster and does something."""

        def strike(point: str) -> None:
            if point == "database: before a transaction":
                act()
            else:
                self._arm(1, strike)

        self._arm(countdown, strike)

    def disarm(self) -> None:
        self._strike = None

    def hit(self, point: str) -> None:
        """The code passes ``point``."""
        self.passed.append(point)
        if self._strike is None:
            return
        self._countdown -= 1
        if self._countdown <= 0:
            strike, self._strike = self._strike, None
            strike(point)

    def _arm(self, countdown: int, strike: Callable[[str], None]) -> None:
        self._countdown, self._strike = countdown, strike


class FaultyDatabase(Database):
    """A database whose transactions may end before they begin, before they are written, and after."""

    def __init__(self, engine: Engine, faults: Faults) -> None:
        super().__init__(engine)
        self._faults = faults

    @contextmanager
    def write(self, scope: Scope = AT_HOME) -> Iterator[Connection]:
        self._faults.hit("database: before a transaction")
        with super().write(scope) as connection:
            yield connection
            self._faults.hit("database: before a commit")
        self._faults.hit("database: after a commit")


class FaultyStore:
    """An artifact store that may not answer."""

    def __init__(self, store: ArtifactStore, faults: Faults) -> None:
        self._store = store
        self._faults = faults

    def has(self, digest: Any) -> bool:
        self._faults.hit("artifacts: has")
        return self._store.has(digest)

    def get_record(self, key: str) -> bytes | None:
        self._faults.hit("artifacts: get_record")
        return self._store.get_record(key)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class Registry:
    """A tracking server in memory: what was published, and a version for each key of a registration."""

    def __init__(self) -> None:
        self.items: list[Publication] = []
        self.versions: dict[str, RegisteredVersion] = {}

    def register(self, request: RegistrationRequest) -> RegisteredVersion:
        fresh = RegisteredVersion(name=request.name, version=len(self.versions) + 1)
        return self.versions.setdefault(request.key, fresh)


class GatedPublisher:
    """One process' way to a registry. A registration waits at the gate until the test opens it, so that a test
    decides when it is done although a thread makes it."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.gate = threading.Event()
        self._lost = False

    def is_blank(self) -> bool:
        return False

    def publish(self, items: Sequence[Publication]) -> Sequence[ModelPage]:
        self.registry.items += items
        return ()

    def publish_registration(self, request: RegistrationRequest) -> RegisteredVersion:
        if not self.gate.wait(30):
            raise AssertionError("nobody opened the gate")
        if self._lost:
            raise ConnectionError("the process has ended")
        return self.registry.register(request)

    def end(self) -> None:
        """The process ends: what waits at the gate is never done."""
        self._lost = True
        self.gate.set()
