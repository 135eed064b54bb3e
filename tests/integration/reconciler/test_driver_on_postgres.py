"""The real driver on PostgreSQL: the journeys of the unit tests, and leaders that follow one another."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from database_places import fresh_database
from driver_journeys import JOURNEYS, play
from postgres_server import PostgresServer
from reconciler_invariants import check_store
from reconciler_world import World
from simulated_executor import SimulatedExecutor
from small_plans import plan_of, stage
from sqlalchemy import update

from bongsu.domain.ids import RunId
from bongsu.domain.run import AttemptState, RunState
from bongsu.reconciler.leadership import Leadership
from bongsu.service.leading import lead
from bongsu.service.platform import Platform
from bongsu.service.submitting import submit
from bongsu.store import schema
from bongsu.store.attempts import attempts_of
from bongsu.store.database import open_database
from bongsu.store.runs import list_runs

LEASE_S = 1.0
# Every how many points of a journey the process is killed; all of them are tried on SQLite.
EVERY = 13
DEADLINE_S = 60.0


@pytest.mark.parametrize("name", JOURNEYS)
def test_a_journey_comes_to_its_end_wherever_the_process_is_killed(postgres: PostgresServer, name: str) -> None:
    with fresh_database(postgres) as database:
        points = play(name, lambda _world: None, database)
    for point in range(1, points + 1, EVERY):
        with fresh_database(postgres) as database:
            play(name, lambda world, at=point: world.faults.kill_at(at), database)  # type: ignore[misc]


# -- several processes on one database -------------------------------------------------------------------------------


class CalmExecutor(SimulatedExecutor):
    """One that lets others have the processor while it waits."""

    def wait(self, timeout_s: float) -> None:
        time.sleep(min(timeout_s, 0.05))


@pytest.fixture
def url(own_postgres: PostgresServer) -> Iterator[str]:
    made = own_postgres.new_database()
    yield made
    own_postgres.drop_database(made)


@pytest.fixture
def world(url: str) -> Iterator[World]:
    database = open_database(url)
    made = World(database=database)
    yield made
    made.close()
    database.close()


@contextmanager
def replica(world: World, url: str, name: str) -> Iterator[Platform]:
    """A process of a server, as far as this test goes: what it shares with others is the database and the cluster."""
    database = open_database(url)
    leadership = Leadership(database, holder=name, lease_s=LEASE_S)
    executor = CalmExecutor(world.cluster)
    platform = replace(world.elsewhere, database=database, lock=leadership, executor=lambda: executor)
    stop, raised = threading.Event(), list[BaseException]()

    def serve() -> None:
        try:
            lead(platform, stop)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=serve, name=name)
    thread.start()
    try:
        yield platform
    finally:
        stop.set()
        thread.join(30)
        leadership.close()
        database.close()
        assert not thread.is_alive()
        assert not raised


def until_all_succeed(world: World, *, but: tuple[RunId, ...] = ()) -> None:
    """Workers do what they are asked for, until every run is over."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        for attempt in list(world.cluster.live):
            world.cluster.succeed(attempt)
        with world.database.read() as connection:
            left = [run for run in list_runs(connection) if run.state is not RunState.SUCCEEDED]
        if {run.id for run in left} == set(but):
            return
        time.sleep(0.05)
    raise AssertionError(f"these did not come to their end: {left}")


def submitted(world: World, count: int, first: int = 0) -> list[RunId]:
    plans = [plan_of(stage(f"a{place}"), stage("b", f"a{place}")) for place in range(first, first + count)]
    return [submit(world.elsewhere, plan).run.id for plan in plans]


def check_once(world: World, found: list[RunId]) -> None:
    """Every stage was worked on once, and the log tells a story of allowed moves."""
    check_store(world, found)
    with world.database.read() as connection:
        states = [attempt.state for run_id in found for attempt in attempts_of(connection, run_id)]
    assert states == [AttemptState.SUCCEEDED] * 2 * len(found)


def test_two_processes_drive_every_run_once(world: World, url: str) -> None:
    found = submitted(world, 3)
    with replica(world, url, "one"), replica(world, url, "two"):
        until_all_succeed(world)
        found += submitted(world, 2, first=3)
        until_all_succeed(world)
    check_once(world, found)


def test_a_leader_that_stops_in_order_is_followed_and_workers_go_on(world: World, url: str) -> None:
    found = submitted(world, 2)
    with replica(world, url, "two"):
        with replica(world, url, "one"):
            until_some_run(world)
        until_all_succeed(world)
    check_once(world, found)


def until_some_run(world: World) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not world.cluster.live and time.monotonic() < deadline:
        time.sleep(0.02)
    assert world.cluster.live


@pytest.mark.parametrize("times", [1, 3])
def test_a_database_that_is_restarted_in_the_middle_of_runs_loses_nothing(
    world: World, url: str, own_postgres: PostgresServer, times: int
) -> None:
    found = submitted(world, 3)
    with replica(world, url, "one"), replica(world, url, "two"):
        until_some_run(world)
        for _ in range(times):
            own_postgres.restart()
            time.sleep(0.2)
        until_all_succeed(world)
    check_once(world, found)


def test_a_leader_whose_sessions_are_ended_is_followed_by_another(
    world: World, url: str, own_postgres: PostgresServer
) -> None:
    found = submitted(world, 3)
    with replica(world, url, "one"), replica(world, url, "two"):
        for _ in range(4):
            until_some_run(world)
            own_postgres.end_lock_holders(url)
            for attempt in world.cluster.live[:1]:
                world.cluster.succeed(attempt)
        until_all_succeed(world)
    check_once(world, found)


def test_a_run_that_nobody_can_read_holds_up_no_other(world: World, url: str) -> None:
    damaged = submitted(world, 3)[0]
    with world.database.write() as connection:
        connection.execute(update(schema.runs).where(schema.runs.c.id == damaged).values(plan="{}"))
    with replica(world, url, "one"):
        until_all_succeed(world, but=(damaged,))
