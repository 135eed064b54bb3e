"""Deliveries to a server that hears or is down, out of a store and a database that fail when they are told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from bongsu.artifacts.local import LocalStore
from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import digest_of
from bongsu.domain.publication import (
    ModelPage,
    Publication,
    PublishedTree,
    RegisteredVersion,
    RegistrationRequest,
    RunClosed,
    RunOpened,
    StageFinished,
)
from bongsu.reconciler.tracking_line import Patience
from bongsu.store import outbox
from bongsu.store.database import Database
from bongsu.store.scope import AT_HOME, Scope

NOW = datetime(2026, 1, 1, tzinfo=UTC)
IMPATIENT = Patience(quiet=1e6, look=1e6, retry=0.0, again=1e6)


class Server:
    """Hears everything; ``on_call`` is called first and may raise."""

    def __init__(self, on_call: Callable[[], None] = lambda: None) -> None:
        self.heard: list[str] = []
        self.on_call = on_call

    def is_blank(self) -> bool:
        return not self.heard

    def publish(self, items: Sequence[Publication]) -> Sequence[ModelPage]:
        self.on_call()
        self.heard += [item.key for item in items]
        return ()

    def publish_registration(self, request: RegistrationRequest) -> RegisteredVersion:
        raise AssertionError(f"nobody registers here: {request}")


class Store(LocalStore):
    """Fails with what stands in ``failures`` for a call."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.failures: dict[str, Exception] = {}
        self.cleared: list[str] = []
        self.asked = 0

    def clear_checkpoints(self, key: str) -> None:
        self.asked += 1
        if key in self.failures:
            raise self.failures[key]
        self.cleared.append(key)

    def has(self, digest: Any) -> bool:
        if "has" in self.failures:
            raise self.failures["has"]
        return super().has(digest)


class BrokenDatabase(Database):
    """Takes nothing while ``is_broken``."""

    is_broken = False

    @contextmanager
    def write(self, scope: Scope = AT_HOME) -> Iterator[Connection]:
        if self.is_broken:
            raise OSError("disk full")
        with super().write(scope) as connection:
            yield connection


def opened(run: str) -> RunOpened:
    return RunOpened(
        run_id=run, pipeline="p", ministry="mnd", plan_hash=digest_of(b"p"), purpose="x", use_class="y", time=NOW
    )


def closed(run: str) -> RunClosed:
    return RunClosed(run_id=run, pipeline="p", state="failed", time=NOW)


def finished(run: str) -> StageFinished:
    ref = ArtifactRef(digest=digest_of(b"tree"), type=ArtifactType.MODEL, size=1)
    return StageFinished(
        run_id=run,
        stage_id="a",
        attempt=1,
        title="a",
        uses="probe",
        pipeline="p",
        state="succeeded",
        outputs=(PublishedTree(port="model", title="a", ref=ref),),
        started_at=NOW,
        finished_at=NOW,
    )


def put(database: Database, *items: Publication) -> None:
    with database.write() as connection:
        for item in items:
            outbox.put(connection, item.run_id, item)
