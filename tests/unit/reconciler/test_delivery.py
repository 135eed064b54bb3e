"""The delivery thread: what is in the way of one thing keeps it from no other, and is told as what it is."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from deliveries import BrokenDatabase, Server, Store, closed, finished, opened, put
from sqlalchemy import insert, update

from bongsu.domain.codes import artifact as codes
from bongsu.domain.tenants import HOME
from bongsu.reconciler.delivery import Delivery
from bongsu.reconciler.outbox_delivery import OutboxDelivery
from bongsu.reconciler.tracking_line import Patience, TrackingLine
from bongsu.store import outbox, schema
from bongsu.store.database import Database

DENIED = codes.DENIED.error(store="s3://b", detail="no", action="DeleteObjects")
UNREACHABLE = codes.REMOTE_UNREACHABLE.error(store="s3://b", detail="no route", endpoint="e")


def test_checkpoints_that_cannot_be_cleared_stop_nobody_and_are_cleared_later(
    made: Callable[[Server], Delivery], store: Store
) -> None:
    delivery = made(Server())
    store.failures = {"a": DENIED, "b": OSError("busy")}
    for key in ("a", "b", "c"):
        delivery.clear_checkpoints(HOME, key)
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
        delivery.clear_checkpoints(HOME, key)
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
    assert "a record of r-1 cannot be read by this version" in str(delivery.trouble)
    assert "MLflow does not answer" not in str(delivery.trouble)
    with database.read() as connection:
        assert "cannot be read" in str(outbox.last_error(connection))


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
    assert "the artifact store does not answer" in str(delivery.trouble)
    assert "MLflow does not answer" not in str(delivery.trouble)
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
    assert "disk full" in str(delivery.trouble)
    assert "MLflow does not answer" not in str(delivery.trouble)
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
    delivery = OutboxDelivery(database, Server(down_once), lambda _tenant: store, line, patience, lambda: 0.0)
    delivery.deliver()
    assert tries == 2
    assert delivery.count_waiting() == 0
