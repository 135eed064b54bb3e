"""The delivery thread: what is in the way of one thing keeps it from no other, and is told as what it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, update
from store_places import store_at

from bongsu.artifacts.local import LocalStore
from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.codes import artifact as codes
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
from bongsu.reconciler.delivery import Delivery
from bongsu.reconciler.lock import FileTurn
from bongsu.reconciler.outbox_delivery import OutboxDelivery
from bongsu.reconciler.tracking_line import Patience, TrackingLine
from bongsu.store import outbox, schema
from bongsu.store.database import Database

NOW = datetime(2026, 1, 1, tzinfo=UTC)
IMPATIENT = Patience(quiet=1e6, retry=0.0, again=1e6)
DENIED = codes.DENIED.error(store="s3://b", detail="no", action="DeleteObjects")
UNREACHABLE = codes.REMOTE_UNREACHABLE.error(store="s3://b", detail="no route", endpoint="e")


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
    def write(self) -> Iterator[Connection]:
        if self.is_broken:
            raise OSError("disk full")
        with super().write() as connection:
            yield connection


@pytest.fixture
def database(tmp_path: Path) -> Iterator[BrokenDatabase]:
    opened = store_at(tmp_path)
    yield BrokenDatabase(opened.engine)
    opened.close()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "artifacts")


@pytest.fixture
def made(database: Database, store: Store) -> Iterator[Callable[[Server], Delivery]]:
    """Makes deliveries, which end with the test."""
    open_ones: list[Delivery] = []

    def make(server: Server) -> Delivery:
        open_ones.append(Delivery(database, server, store, IMPATIENT))
        return open_ones[-1]

    yield make
    for one in open_ones:
        one.close()


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


def test_checkpoints_that_cannot_be_cleared_stop_nobody_and_are_cleared_later(
    made: Callable[[Server], Delivery], store: Store
) -> None:
    delivery = made(Server())
    store.failures = {"a": DENIED, "b": OSError("busy")}
    for key in ("a", "b", "c"):
        delivery.clear_checkpoints(key)
    assert delivery.leave()
    assert store.cleared == ["c"]
    store.failures = {}
    delivery.close()
    assert store.cleared == ["c", "a", "b"]


def test_a_store_out_of_reach_is_not_asked_for_every_checkpoint(
    made: Callable[[Server], Delivery], store: Store
) -> None:
    delivery = made(Server())
    store.failures = dict.fromkeys("abc", UNREACHABLE)
    for key in "abc":
        delivery.clear_checkpoints(key)
    delivery.close()
    assert store.asked == 1
    store.failures = {}
    delivery.close()
    assert store.cleared == ["a", "b", "c"]


def test_a_server_that_lost_everything_is_told_all_of_it_again_in_its_order(
    database: Database, made: Callable[[Server], Delivery]
) -> None:
    put(database, opened("r-1"), closed("r-1"))
    first = Server()
    assert made(first).drain(20) == 0
    put(database, opened("r-2"))
    assert made(first).drain(20) == 0
    assert first.heard == ["r-1", "r-1/closed", "r-2"], "what a server knows is told once"
    put(database, closed("r-2"))
    second = Server()
    assert made(second).drain(20) == 0
    assert second.heard == ["r-1", "r-1/closed", "r-2", "r-2/closed"]


@pytest.mark.parametrize("body", ['{"type": "run-parked"}', '{"type": "run-closed"}'])
def test_a_record_that_cannot_be_read_holds_up_no_other_and_is_told(
    database: Database, made: Callable[[Server], Delivery], body: str
) -> None:
    put(database, opened("r-1"))
    with database.write() as connection:
        connection.execute(insert(schema.outbox).values(run_id="r-1", body=body))
    put(database, closed("r-1"))
    server = Server()
    delivery = made(server)
    assert delivery.drain(20) == 1
    assert server.heard == ["r-1", "r-1/closed"]
    assert "a record of r-1 cannot be read by this version" in delivery.trouble
    assert "MLflow does not answer" not in delivery.trouble
    with database.read() as connection:
        assert "cannot be read" in outbox.last_error(connection)


def test_nothing_is_told_of_a_run_whose_beginning_cannot_be_read(
    database: Database, made: Callable[[Server], Delivery]
) -> None:
    put(database, opened("r-1"), closed("r-1"), opened("r-2"))
    with database.write() as connection:
        connection.execute(update(schema.outbox).where(schema.outbox.c.id == 1).values(body="half of"))
    server = Server()
    assert made(server).drain(20) == 2
    assert server.heard == ["r-2"]


def test_trees_that_cannot_be_looked_up_are_the_artifact_stores_trouble(
    database: Database, made: Callable[[Server], Delivery], store: Store
) -> None:
    put(database, opened("r-1"), finished("r-1"), closed("r-1"))
    store.failures = {"has": UNREACHABLE}
    server = Server()
    delivery = made(server)
    assert delivery.drain(20) == 1
    assert server.heard == ["r-1", "r-1/closed"]
    assert "the artifact store does not answer" in delivery.trouble
    assert "MLflow does not answer" not in delivery.trouble
    store.failures = {}
    assert delivery.drain(20) == 0
    assert delivery.trouble == ""


def test_a_database_that_takes_nothing_is_told_and_keeps_no_registration_waiting(
    database: BrokenDatabase, made: Callable[[Server], Delivery], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(database, opened("r-1"))
    database.is_broken = True
    server = Server()
    delivery = made(server)
    worked = threading.Event()
    monkeypatch.setattr(delivery.registrar, "work", worked.set)
    assert delivery.drain(0.5) == 1
    assert worked.is_set()
    assert "disk full" in delivery.trouble
    assert "MLflow does not answer" not in delivery.trouble
    assert server.heard == ["r-1"], "it is not told again and again"
    database.is_broken = False
    assert delivery.drain(20) == 0
    assert (server.heard, delivery.trouble) == (["r-1"], "")


def test_who_hurries_while_something_is_put_off_is_not_overheard(database: Database, store: Store) -> None:
    """A hurry comes from another thread, at any moment."""
    put(database, closed("r-1"))
    tries = 0

    def down_once() -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            delivery.hurry()
            raise ConnectionError("down")

    patience = Patience(quiet=0.0, retry=0.0, again=1e6)
    line = TrackingLine(patience)
    line.trouble = "it was down before"  # one try each
    delivery = OutboxDelivery(database, Server(down_once), store, line, patience, lambda: 0.0)
    delivery.deliver()
    assert tries == 2
    assert delivery.count_waiting() == 0


class Slow:
    """An outbox, and a server that takes ``seconds`` for each call; on a clock of their own."""

    def __init__(self, database: Database, store: Store, seconds: float, *, is_down: bool = False) -> None:
        self.now = 0.0
        self.calls = 0
        self.seconds = seconds
        self.is_down = is_down
        self.server = Server(self._on_call)
        patience = Patience(retry=0.0, again=30.0)
        self.line = TrackingLine(patience)
        self.outbox = OutboxDelivery(database, self.server, store, self.line, patience, lambda: self.now)

    def _on_call(self) -> None:
        self.now += self.seconds
        self.calls += 1
        if self.calls > 1000:
            self.line.hang_up()
        if self.is_down:
            raise OSError("database is locked")


def test_a_pass_ends_although_everything_is_due_again_before_all_of_it_was_tried(
    database: Database, store: Store
) -> None:
    put(database, *(closed(f"r-{number}") for number in range(30)))
    slow = Slow(database, store, 5.0, is_down=True)
    slow.outbox.deliver()
    assert not slow.line.is_closed
    assert slow.calls < 30, "a server that takes nothing for long is left alone"
    calls, due = slow.calls, slow.outbox.next_try()
    assert due is not None
    assert slow.now < due <= slow.now + 30
    slow.outbox.deliver()
    assert slow.calls == calls, "until it is due"
    slow.now, slow.is_down = due, False
    slow.outbox.deliver()
    assert slow.server.heard[0] != "r-0/closed", "what was not tried comes first, so that nothing waits for ever"
    while slow.outbox.count_waiting():
        due = slow.outbox.next_try()
        assert due is not None
        slow.now = due
        slow.outbox.deliver()
    assert len(slow.server.heard) == 30


def test_who_hurries_does_not_wait_for_a_server_that_is_left_alone(database: Database, store: Store) -> None:
    put(database, *(closed(f"r-{number}") for number in range(30)))
    slow = Slow(database, store, 5.0, is_down=True)
    slow.outbox.deliver()
    slow.is_down, slow.seconds = False, 0.0
    slow.outbox.hurry()
    slow.outbox.deliver()
    assert slow.server.heard == [f"r-{number}/closed" for number in range(30)]


def test_others_have_their_turn_in_a_pass_that_takes_long(database: Database, store: Store) -> None:
    put(database, *(closed(f"r-{number}") for number in range(20)))
    slow = Slow(database, store, 10.0)
    turns: list[float] = []
    slow.outbox.deliver(lambda: turns.append(slow.now))
    assert turns == [40.0, 80.0, 120.0, 160.0, 200.0]
    assert len(slow.server.heard) == 20


def test_nobody_has_a_turn_before_a_server_that_lost_everything_was_told_it_again(
    database: Database, store: Store
) -> None:
    put(database, *(closed(f"r-{number}") for number in range(20)))
    Slow(database, store, 0.0).outbox.deliver()
    again = Slow(database, store, 10.0)
    assert again.outbox.has_work()
    assert not again.outbox.is_in_step
    turns: list[float] = []
    again.outbox.deliver(lambda: turns.append(again.now))
    assert turns == []
    assert again.outbox.is_in_step
    assert len(again.server.heard) == 20
    assert not again.outbox.has_work()


class Held:
    """A turn that another process has while ``is_held``."""

    def __init__(self, *, is_held: bool) -> None:
        self.is_held = is_held
        self.asked = threading.Event()
        self.taken = 0

    def take(self) -> bool:
        self.asked.set()
        self.taken += not self.is_held
        return not self.is_held

    def give_back(self) -> None:
        pass


EAGER = Patience(quiet=0.0, retry=0.0, again=1e6)


def test_who_has_nothing_to_tell_takes_nobodys_turn(database: Database, store: Store) -> None:
    turn = Held(is_held=True)
    delivery = Delivery(database, Server(), store, EAGER, turn)
    assert delivery.drain(20) == 0
    assert not turn.asked.is_set()
    assert delivery.leave()


def test_who_leaves_does_not_wait_for_another_process_that_talks_to_the_server(
    database: Database, store: Store
) -> None:
    put(database, closed("r-1"))
    turn = Held(is_held=True)
    delivery = Delivery(database, Server(), store, EAGER, turn)
    assert turn.asked.wait(20)
    began = time.monotonic()
    assert delivery.leave()
    assert time.monotonic() - began < 5


def test_once_the_other_process_is_done_everything_is_delivered(database: Database, store: Store) -> None:
    put(database, closed("r-1"))
    turn, server = Held(is_held=True), Server()
    delivery = Delivery(database, server, store, EAGER, turn)
    assert turn.asked.wait(20)
    turn.is_held = False
    assert delivery.drain(20) == 0
    assert (server.heard, turn.taken) == (["r-1/closed"], 1)
    delivery.close()


def test_what_was_put_off_here_and_told_by_another_process_is_waited_for_no_longer(
    database: Database, store: Store
) -> None:
    put(database, closed("r-1"))
    slow = Slow(database, store, 1.0, is_down=True)
    slow.outbox.deliver()
    assert slow.outbox.next_try() is not None
    with database.write() as connection:
        outbox.mark_done(connection, [1])
    assert not slow.outbox.has_work()
    assert slow.outbox.next_try() is None


def test_one_process_at_a_time_has_its_turn(tmp_path: Path) -> None:
    first, second = FileTurn(tmp_path / "lock"), FileTurn(tmp_path / "lock")
    assert first.take()
    assert not second.take()
    first.give_back()
    assert second.take()
    second.give_back()
    second.give_back()
