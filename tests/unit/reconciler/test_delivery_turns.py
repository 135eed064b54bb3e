"""A pass through the outbox ends, others have their turn in it, and of several processes one talks to the server."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from deliveries import Server, Store, closed, opened, put

from bongsu.reconciler.delivery import Delivery
from bongsu.reconciler.lock import FileTurn
from bongsu.reconciler.outbox_delivery import OutboxDelivery
from bongsu.reconciler.tracking_line import Patience, TrackingLine
from bongsu.store import outbox
from bongsu.store.database import Database


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
        self.outbox = OutboxDelivery(
            database, self.server, lambda _tenant: store, self.line, patience, lambda: self.now
        )

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


EAGER = Patience(quiet=0.0, look=1e6, retry=0.0, again=1e6)
LOOKING = Patience(quiet=0.0, look=0.05, retry=0.0, again=1e6)


def test_who_has_nothing_to_tell_takes_nobodys_turn(database: Database, store: Store) -> None:
    turn = Held(is_held=True)
    delivery = Delivery(database, Server(), lambda _tenant: store, EAGER, turn)
    assert delivery.drain(20) == 0
    assert not turn.asked.is_set()
    assert delivery.leave()


def test_who_leaves_does_not_wait_for_another_process_that_talks_to_the_server(
    database: Database, store: Store
) -> None:
    put(database, closed("r-1"))
    turn = Held(is_held=True)
    delivery = Delivery(database, Server(), lambda _tenant: store, EAGER, turn)
    assert turn.asked.wait(20)
    began = time.monotonic()
    assert delivery.leave()
    assert time.monotonic() - began < 5


def test_once_the_other_process_is_done_everything_is_delivered(database: Database, store: Store) -> None:
    put(database, closed("r-1"))
    turn, server = Held(is_held=True), Server()
    delivery = Delivery(database, server, lambda _tenant: store, EAGER, turn)
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
    slow.outbox.note_all_told()
    assert slow.outbox.next_try() is None


def test_one_process_at_a_time_has_its_turn(tmp_path: Path) -> None:
    first, second = FileTurn(tmp_path / "lock"), FileTurn(tmp_path / "lock")
    assert first.take()
    assert not second.take()
    first.give_back()
    assert second.take()
    second.give_back()
    second.give_back()


def test_what_another_process_writes_is_told_although_nobody_here_does_anything(
    database: Database, store: Store
) -> None:
    """Who suspends a model on a replica that does not lead takes its alias away for everybody."""
    server = Server()
    delivery = Delivery(database, server, lambda _tenant: store, LOOKING)
    assert delivery.drain(20) == 0
    put(database, opened("r-1"))
    until = time.monotonic() + 20
    while server.heard != ["r-1"] and time.monotonic() < until:
        time.sleep(0.01)
    assert server.heard == ["r-1"]
    delivery.close()


def test_what_was_put_off_is_not_tried_at_each_look(database: Database, store: Store) -> None:
    calls: list[int] = []

    def down() -> None:
        calls.append(1)
        raise OSError("down")

    put(database, opened("r-1"))
    turn = Held(is_held=False)
    delivery = Delivery(database, Server(down), lambda _tenant: store, LOOKING, turn)
    assert delivery.drain(20) == 1
    tried, taken = len(calls), turn.taken
    time.sleep(20 * LOOKING.look)
    assert (len(calls), turn.taken) == (tried, taken)
    delivery.close()
