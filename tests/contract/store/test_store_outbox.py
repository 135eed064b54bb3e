"""What waits for the tracking server: written with the state it speaks of, told in order, kept until it is told."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bongsu.artifacts.local import LocalStore
from bongsu.domain.ids import digest_of
from bongsu.domain.labels import OPEN
from bongsu.domain.phrases import Words, phrase
from bongsu.domain.publication import (
    ModelPage,
    Publication,
    RegisteredVersion,
    RegistrationRequest,
    RunClosed,
    RunOpened,
)
from bongsu.reconciler.delivery import Delivery
from bongsu.reconciler.tracking_line import MAX_TRIES, Patience
from bongsu.store import outbox, pages
from bongsu.store.database import Database

# Nothing is told before a test drains the outbox, and nothing that failed is tried again.
IMPATIENT = Patience(quiet=1e6, look=1e6, retry=0.0, again=1e6)
PAGE = ModelPage(digest=digest_of(b"model"), pipeline="p", path="")


def item(number: int) -> RunClosed:
    return RunClosed(run_id=f"r-{number}", pipeline="sample", state="failed", time=datetime(2026, 1, 1, tzinfo=UTC))


def put(database: Database, *numbers: int) -> None:
    with database.write() as connection:
        for number in numbers:
            outbox.put(connection, f"r-{number}", item(number))


def waiting(
    database: Database, limit: int = 100, skip: Sequence[int] = ()
) -> list[Publication | outbox.Unreadable]:
    with database.read() as connection:
        return [found.item for found in outbox.waiting(connection, limit, skip)]


class Server:
    """A tracking server that fails for what is in ``broken``, and ``down`` times in a row for everything."""

    def __init__(self, broken: Sequence[int] = (), down: int = 0) -> None:
        self.heard: list[str] = []
        self.calls = 0
        self.broken = {f"r-{number}" for number in broken}
        self.down = down
        self.lock = threading.Lock()

    def is_blank(self) -> bool:
        return False

    def publish(self, items: Sequence[Publication]) -> Sequence[ModelPage]:
        with self.lock:
            self.calls += 1
            if self.down:
                self.down -= 1
                raise ConnectionError("it is down")
            for one in items:
                if one.run_id in self.broken:
                    raise ValueError(f"{one.run_id} is not to its taste")
                self.heard.append(one.run_id)
        return [PAGE.model_copy(update={"path": f"/{one.run_id}"}) for one in items]

    def publish_registration(self, request: RegistrationRequest) -> RegisteredVersion:
        raise AssertionError(f"nobody registers here: {request}")


def delivered(database: Database, tmp_path: Path, server: Server) -> tuple[int, str]:
    """What is left once a process has done what it can, and its last trouble."""
    delivery = Delivery(database, server, lambda _tenant: LocalStore(tmp_path / "artifacts"), IMPATIENT)
    try:
        return delivery.drain(20), str(delivery.trouble)
    finally:
        delivery.close()


def test_items_wait_in_the_order_in_which_they_were_put(database: Database) -> None:
    put(database, 3, 1, 2)
    assert waiting(database) == [item(3), item(1), item(2)]
    assert waiting(database, limit=2) == [item(3), item(1)]


def test_what_a_transaction_put_is_gone_with_it(database: Database) -> None:
    def put_and_break() -> None:
        with database.write() as connection:
            outbox.put(connection, "r-1", item(1))
            raise KeyError

    with pytest.raises(KeyError):
        put_and_break()
    assert waiting(database) == []


def test_what_was_told_waits_no_longer_and_what_failed_does(database: Database) -> None:
    put(database, 1, 2, 3)
    with database.write() as connection:
        numbers = [found.number for found in outbox.waiting(connection)]
        outbox.mark_done(connection, numbers[:1])
        outbox.mark_failed(connection, numbers[1], "no answer")
        assert outbox.count_waiting(connection) == 2
    assert waiting(database) == [item(2), item(3)]
    assert waiting(database, skip=numbers[1:2]) == [item(3)]


@pytest.mark.parametrize(
    ("why", "kept"),
    [
        ("no answer", "no answer"),
        (phrase("no {what}", what="answer"), phrase("no {what}", what="answer")),
        (phrase("no {what}", what="x" * 3000), "no " + "x" * 1997),
    ],
)
def test_why_something_waits_can_be_said_in_another_language(database: Database, why: Words, kept: Words) -> None:
    put(database, 1)
    with database.write() as connection:
        outbox.mark_failed(connection, outbox.waiting(connection)[0].number, why)
        assert outbox.last_error(connection) == kept


def test_everything_is_delivered_once_and_in_order(database: Database, tmp_path: Path) -> None:
    put(database, *range(50))
    server = Server()
    assert delivered(database, tmp_path, server) == (0, "")
    assert server.heard == [f"r-{number}" for number in range(50)]


def test_where_a_server_shows_a_model_is_noted_with_what_it_was_told(database: Database, tmp_path: Path) -> None:
    put(database, 1, 2)
    assert delivered(database, tmp_path, Server(broken=[2]))[0] == 1
    with database.read() as connection:
        assert pages.pages_of(connection, [PAGE.digest], "p") == {PAGE.digest: "/r-1"}, "the other was not taken"
    delivered(database, tmp_path, Server())
    with database.read() as connection:
        assert pages.pages_of(connection, [PAGE.digest], "p") == {PAGE.digest: "/r-2"}, "the newest one counts"


def test_a_models_page_is_the_one_of_the_same_pipeline_if_there_is_one(database: Database) -> None:
    def page(pipeline: str) -> ModelPage:
        return PAGE.model_copy(update={"pipeline": pipeline, "path": f"/{pipeline}"})

    with database.write() as connection:
        pages.put_pages(connection, [page("a"), page("b"), page("c"), page("b")])
        assert pages.pages_of(connection, [PAGE.digest], "b") == {PAGE.digest: "/b"}
        assert pages.pages_of(connection, [PAGE.digest], "other") == {PAGE.digest: "/c"}
        assert pages.pages_of(connection, [digest_of(b"unheard")], "b") == {}


def test_a_server_that_is_down_for_a_moment_hears_it_all_in_order(database: Database, tmp_path: Path) -> None:
    put(database, 1, 2, 3)
    server = Server(down=MAX_TRIES - 1)
    assert delivered(database, tmp_path, server) == (0, "")
    assert server.heard == ["r-1", "r-2", "r-3"]


def test_an_item_that_is_never_taken_does_not_hold_up_the_others(database: Database, tmp_path: Path) -> None:
    put(database, 1, 2, 3)
    server = Server(broken=[2])
    left, _ = delivered(database, tmp_path, server)
    assert left == 1
    assert server.heard == ["r-1", "r-3"]


def test_the_next_process_delivers_what_the_last_one_could_not(database: Database, tmp_path: Path) -> None:
    put(database, 1, 2)
    left, trouble = delivered(database, tmp_path, Server(down=10**6))
    assert (left, trouble) == (2, "MLflow does not answer (runs go on): ConnectionError: it is down")
    server = Server()
    assert delivered(database, tmp_path, server) == (0, "")
    assert server.heard == ["r-1", "r-2"]


def test_while_the_server_is_down_each_item_is_tried_a_few_times_and_not_for_ever(
    database: Database, tmp_path: Path
) -> None:
    put(database, *range(10))
    server = Server(down=10**6)
    delivered(database, tmp_path, server)
    assert server.calls <= MAX_TRIES + 9 + 10


def opened(number: int) -> RunOpened:
    return RunOpened(
        run_id=f"r-{number}",
        pipeline="sample",
        ministry="mnd",
        plan_hash=digest_of(b"plan"),
        purpose="Draft documents",
        use_class="administration",
        label=OPEN,
        parameters={},
        time=datetime(2026, 1, 1, tzinfo=UTC),
    )


class Kinds(Server):
    """Remembers what kind of item it heard of which run."""

    def publish(self, items: Sequence[Publication]) -> Sequence[ModelPage]:
        found = super().publish(items)
        self.heard[-1] += f" {type(items[0]).__name__}"
        return found


def test_nothing_is_told_of_a_run_whose_beginning_is_not_known(database: Database, tmp_path: Path) -> None:
    with database.write() as connection:
        for number in (1, 2):
            outbox.put(connection, f"r-{number}", opened(number))
            outbox.put(connection, f"r-{number}", item(number))
    server = Kinds(down=MAX_TRIES)
    left, _ = delivered(database, tmp_path, server)
    assert left == 2
    assert server.heard == ["r-2 RunOpened", "r-2 RunClosed"], "the other run is not held up"
    assert delivered(database, tmp_path, server) == (0, "")
    assert server.heard[2:] == ["r-1 RunOpened", "r-1 RunClosed"]
