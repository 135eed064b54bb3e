"""A server that leads: it drives whatever comes, stops in order, and tells what is in its way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from reconciler_world import World
from simulated_executor import SimulatedExecutor
from small_plans import plan_of, stage
from sqlalchemy import text

from bongsu.domain.codes.run import DATABASE_DAMAGED
from bongsu.domain.phrases import Words
from bongsu.domain.problems import BongsuError
from bongsu.domain.run import RunState
from bongsu.reconciler.lock import FileLock
from bongsu.service import leading
from bongsu.service.cancelling import request_cancel
from bongsu.service.leading import lead
from bongsu.service.platform import Platform
from bongsu.service.submitting import submit
from bongsu.store.history import DRIVING, events_of
from bongsu.store.runs import get_run, list_runs

DEADLINE_S = 30.0


class CalmExecutor(SimulatedExecutor):
    """One that lets others have the processor while it waits."""

    def wait(self, timeout_s: float) -> None:
        time.sleep(min(timeout_s, 0.02))


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def platform_of(world: World) -> Platform:
    executor = CalmExecutor(world.cluster)
    return replace(world.elsewhere, executor=lambda: executor, lock=FileLock(world.folder / "driver.lock"))


@contextmanager
def leading_thread(world: World, told: list[str]) -> Iterator[None]:
    stop = threading.Event()

    def hear(words: Words) -> None:
        told.append(str(words))

    thread = threading.Thread(target=lead, args=(platform_of(world), stop, hear))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def states(world: World) -> list[RunState]:
    with world.database.read() as connection:
        return [run.state for run in list_runs(connection)]


def work(world: World) -> None:
    for attempt in list(world.cluster.live):
        if world.cluster.jobs[attempt].asked_to_stop:
            world.cluster.obey(attempt)
        else:
            world.cluster.succeed(attempt)


def test_runs_that_come_while_it_leads_are_driven_and_their_log_says_so(world: World) -> None:
    told: list[str] = []
    with leading_thread(world, told):
        first = submit(world.elsewhere, plan_of(stage("a"))).run.id
        until(lambda: bool(world.cluster.live))
        submit(world.elsewhere, plan_of(stage("b")))

        def all_done() -> bool:
            work(world)
            return states(world) == [RunState.SUCCEEDED] * 2

        until(all_done)
    assert told == []
    with world.database.read() as connection:
        acts = [event.body["act"] for event in events_of(connection, first) if event.type == DRIVING]
    assert acts == ["begins"]


def test_it_stops_in_order_and_says_of_what_is_left_that_nobody_drives_it(world: World) -> None:
    run_id = submit(world.elsewhere, plan_of(stage("a"))).run.id
    with leading_thread(world, []):
        until(lambda: bool(world.cluster.live))
    with world.database.read() as connection:
        acts = [event.body["act"] for event in events_of(connection, run_id) if event.type == DRIVING]
    assert acts == ["begins", "ends"]
    assert world.cluster.live, "its worker goes on"
    assert platform_of(world).lock.driven() is None


def test_a_cancellation_is_carried_out(world: World) -> None:
    with leading_thread(world, []):
        run_id = submit(world.elsewhere, plan_of(stage("a"))).run.id
        until(lambda: bool(world.cluster.live))
        request_cancel(world.elsewhere, run_id)

        def is_cancelled() -> bool:
            for attempt in list(world.cluster.live):
                if world.cluster.jobs[attempt].asked_to_stop:
                    world.cluster.obey(attempt)
            return states(world) == [RunState.CANCELLED]

        until(is_cancelled)


def test_it_waits_while_another_leads_and_says_who(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leading, "STANDBY_S", 0.05)
    told: list[str] = []
    other = FileLock(world.folder / "driver.lock")
    with other, leading_thread(world, told):
        until(lambda: bool(told))
        assert "already drives" in told[0]
        time.sleep(0.3)
        assert len(told) == 1, "it tried again several times, and nothing was new"


@pytest.mark.parametrize("damage", ["plan = '{}'", "label = 'X'"])
def test_a_run_that_cannot_be_read_is_told_once_and_left_where_it_stands(world: World, damage: str) -> None:
    told: list[str] = []
    damaged = submit(world.elsewhere, plan_of(stage("a"))).run.id
    with world.database.write() as connection:
        connection.execute(text(f"UPDATE runs SET {damage}"))
    sound = submit(world.elsewhere, plan_of(stage("b"))).run.id
    with leading_thread(world, told):

        def sound_is_done() -> bool:
            work(world)
            with world.database.read() as connection:
                return get_run(connection, sound).state is RunState.SUCCEEDED

        until(sound_is_done)
    (words,) = told
    assert damaged in words
    assert "cannot be read" in words


def test_what_does_not_pass_by_itself_is_raised(world: World) -> None:
    class Damaged(FileLock):
        def assure(self) -> None:
            raise DATABASE_DAMAGED.error(url="x", detail="y")

    platform = replace(platform_of(world), lock=Damaged(world.folder / "driver.lock"))
    with pytest.raises(BongsuError) as caught:
        lead(platform, threading.Event())
    assert caught.value.problems[0].code.name == "run.database-damaged"
