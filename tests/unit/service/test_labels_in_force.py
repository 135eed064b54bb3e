"""What of labels is put in force at MLflow's door, and what is closed where that fails."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from governed_places import GovernedPlace
from prometheus_client import generate_latest
from sqlalchemy import update

from bongsu.domain.publication import LabelChanged, Publication, RunClosed, RunOpened, RunRelabelled
from bongsu.service.labels_in_force import AGAIN_S, EVERYWHERE, LabelsInForce
from bongsu.service.observing.metrics import Metrics
from bongsu.store import outbox
from bongsu.store.models import list_versions
from bongsu.store.scope import EVERYTHING


class Mlflow:
    """Takes items, but for those of the ministries that it refuses."""

    def __init__(self) -> None:
        self.told: list[Publication] = []
        self.refuses: set[str] = set()
        self.tries = 0
        self.slowly = threading.Event()
        self.slowly.set()

    def catch_up(self, item: Publication) -> None:
        assert isinstance(item, RunRelabelled | LabelChanged)
        self.tries += 1
        if item.ministry in self.refuses:
            self.slowly.wait(60)
            raise OSError("the disk is full")
        self.told.append(item)


class Door:
    """MND has a model that a run registered; what is put into the outbox stands under that run, or under another."""

    def __init__(self, folder: Path) -> None:
        self.place = GovernedPlace(folder)
        self.place.permit_use()
        self.place.permit_data()
        self.place.register()
        self.mlflow, self.metrics = Mlflow(), Metrics()
        base = replace(self.place.platform, scope=EVERYTHING)
        self.seconds = 0.0
        self.labels = LabelsInForce(base, self.mlflow, self.metrics, lambda: self.seconds)
        with base.read() as connection:
            (self.run,) = [one.run_id for one in list_versions(connection)]
        with base.write() as connection:
            outbox.mark_done(connection, [one.number for one in outbox.waiting(connection)])

    def put(self, run: str = "", ministry: str = "mnd", body: str = "") -> None:
        item = RunRelabelled(run_id=run or self.run, ministry=ministry, pipeline="x")
        with self.place.platform.database.write(EVERYTHING) as connection:
            outbox.put(connection, run or self.run, item)
            if body:
                last = outbox.waiting(connection)[-1].number
                connection.execute(update(outbox.outbox).where(outbox.outbox.c.id == last).values(body=body))

    def scraped(self) -> list[str]:
        lines = generate_latest(self.metrics.registry).decode().splitlines()
        wanted = ("bongsu_mlflow_closed", "bongsu_mlflow_labels_unreadable_total")
        return [line for line in lines if line.startswith(wanted)]


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    made = Door(tmp_path)
    yield made
    made.place.close()


@pytest.mark.parametrize(
    "body", ['{"ty', '{"type":"run-relabelled","run', '{"type":"label-changed"}', '{"type":"of-later"}', "no JSON"]
)
def test_for_an_item_that_cannot_be_read_all_of_its_run_is_looked_at(
    door: Door, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    door.put(body=body)
    with caplog.at_level(logging.ERROR, "bongsu.mlflow"):
        for _twice in range(2):
            assert door.labels.catch_up() == frozenset()
    assert [(type(one).__name__, one.run_id) for one in door.mlflow.told] == [
        ("RunRelabelled", door.run),
        ("LabelChanged", door.run),
    ]
    (told,) = caplog.records
    assert told.__dict__["facts"] == {"item": told.__dict__["facts"]["item"], "run": door.run, "ministry": "mnd"}
    assert door.scraped() == ["bongsu_mlflow_labels_unreadable_total 1.0"]


def test_items_that_are_about_no_label_are_left_alone(door: Door) -> None:
    closed = RunClosed(run_id=door.run, pipeline="x", state="failed", time=datetime(2026, 1, 1, tzinfo=UTC))
    with door.place.platform.database.write(EVERYTHING) as connection:
        for body in ("", '{"type":"run-closed","damaged', "no JSON"):
            outbox.put(connection, door.run, closed)
            if body:
                last = outbox.waiting(connection)[-1].number
                connection.execute(update(outbox.outbox).where(outbox.outbox.c.id == last).values(body=body))
    assert door.labels.catch_up() == frozenset()
    assert door.mlflow.told == []


def test_what_mlflow_does_not_take_closes_its_ministry_until_it_does(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    door.mlflow.refuses = {"army"}
    door.put()
    door.put("r-army", "army")
    with caplog.at_level(logging.ERROR, "bongsu.mlflow"):
        for _twice in range(2):
            assert door.labels.catch_up() == {"army"}
    assert len(caplog.records) == 1, "once, however often somebody asks"
    assert [one.run_id for one in door.mlflow.told] == [door.run]
    assert 'bongsu_mlflow_closed{ministry="army"} 1.0' in door.scraped()
    door.mlflow.refuses = set()
    assert door.labels.catch_up() == {"army"}
    door.seconds += AGAIN_S
    assert door.labels.catch_up() == frozenset()
    assert door.scraped() == ["bongsu_mlflow_labels_unreadable_total 0.0"]


def test_what_mlflow_was_told_of_meanwhile_is_forgotten(door: Door) -> None:
    """What a server remembers of items does not grow for as long as it lives."""
    door.mlflow.refuses = {"army"}
    for _change in range(20):
        door.put()
        door.put("r-army", "army")
        assert door.labels.catch_up() == {"army"}
        with door.place.platform.database.write(EVERYTHING) as connection:
            outbox.mark_done(connection, [one.number for one in outbox.waiting(connection)])
    assert len(door.mlflow.told) == 20
    assert len(door.labels._done) == 1
    assert len(door.labels._told) == 1


def test_an_item_that_is_told_again_is_put_in_force_again(door: Door) -> None:
    door.put()
    door.labels.catch_up()
    with door.place.platform.database.write(EVERYTHING) as connection:
        outbox.mark_done(connection, [one.number for one in outbox.waiting(connection)])
    door.put("r-army", "army")
    door.labels.catch_up()
    with door.place.platform.database.write(EVERYTHING) as connection:
        outbox.tell_again(connection)
    door.labels.catch_up()
    assert [one.run_id for one in door.mlflow.told].count(door.run) > 1


def test_what_may_be_anybodys_closes_all_of_it_until_it_is_mended(door: Door) -> None:
    door.put("r-nobodys", body="{}")
    assert door.labels.catch_up() == {EVERYWHERE}
    with door.place.platform.database.write(EVERYTHING) as connection:
        connection.execute(
            update(outbox.outbox).where(outbox.outbox.c.run_id == "r-nobodys").values(run_id=door.run)
        )
    door.seconds += AGAIN_S
    assert door.labels.catch_up() == frozenset()


def test_what_mlflow_does_not_take_holds_up_nobody_who_asks_meanwhile(door: Door) -> None:
    door.mlflow.refuses = {"army"}
    door.put("r-army", "army")
    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(lambda _: door.labels.catch_up(), range(20))) == [{"army"}] * 20
        assert door.mlflow.tries == 1
        door.seconds += AGAIN_S
        door.mlflow.slowly.clear()
        trying = pool.submit(door.labels.catch_up)
        while door.mlflow.tries == 1:
            assert not trying.done()
        assert list(pool.map(lambda _: door.labels.catch_up(), range(19))) == [{"army"}] * 19, "at once"
        door.put()
        new = pool.submit(door.labels.catch_up)
        with pytest.raises(TimeoutError):
            new.result(0.2)
        door.mlflow.slowly.set()
        assert (trying.result(60), new.result(60)) == ({"army"}, {"army"})
    assert [one.run_id for one in door.mlflow.told] == [door.run], "what has not been tried is waited for"


def test_a_replica_closes_what_it_has_not_put_in_force_whatever_another_found(door: Door) -> None:
    """Each remembers its own tries alone, and none opens what another could not close."""
    other = LabelsInForce(replace(door.place.platform, scope=EVERYTHING), door.mlflow, Metrics(), lambda: 0.0)
    door.mlflow.refuses = {"army"}
    door.put("r-army", "army")
    assert (door.labels.catch_up(), other.catch_up(), door.mlflow.tries) == ({"army"}, {"army"}, 2)
    door.mlflow.refuses = set()
    door.seconds += AGAIN_S
    assert door.labels.catch_up() == frozenset()
    assert other.catch_up() == {"army"}, "its own next try is not due"
    door.mlflow.refuses = {"mnd"}
    door.put()
    assert (door.labels.catch_up(), other.catch_up()) == ({"mnd"}, {"army", "mnd"}), "what is new is tried at once"


def test_a_beginning_that_another_version_wrote_is_no_label(door: Door) -> None:
    """Readable, only written in another way."""
    opened = RunOpened.model_validate(
        {
            "run_id": door.run,
            "pipeline": "x",
            "ministry": "mnd",
            "plan_hash": "sha256-" + "0" * 64,
            "purpose": "x",
            "use_class": "administration",
            "time": "2026-11-01T00:00:00Z",
        }
    )
    door.put(body=opened.model_dump_json(indent=1))
    assert door.labels.catch_up() == frozenset()
    assert door.mlflow.told == []
