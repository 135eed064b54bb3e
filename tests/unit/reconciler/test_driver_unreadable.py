"""A run that cannot be read, or of which nothing can be written, keeps no other run from going on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from reconciler_world import World
from small_plans import plan_of, stage
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import IntegrityError

from bongsu.domain.ids import RunId
from bongsu.domain.problems import BongsuError
from bongsu.domain.run import RunState
from bongsu.service.cancelling import request_cancel
from bongsu.service.submitting import submit
from bongsu.store import schema
from bongsu.store.runs import claim_version, get_run


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def test_a_damaged_run_that_is_to_be_cancelled_is_passed_over(world: World) -> None:
    damaged = submit(world.elsewhere, plan_of(stage("a"))).run.id
    world.driver.want([damaged])
    world.driver.step()
    request_cancel(world.elsewhere, damaged)
    with world.elsewhere.database.write() as connection:
        connection.execute(
            update(schema.runs)
            .where(schema.runs.c.id == damaged)
            .values(plan="{}", version=schema.runs.c.version + 1)
        )
    sound = submit(world.elsewhere, plan_of(stage("b"))).run.id
    world.kill()
    world.driver.want([sound])
    for _ in range(20):
        world.driver.step()
        for attempt in world.cluster.live:
            if attempt.run_id == sound:
                world.cluster.succeed(attempt)
    assert world.driver.facts[sound].run.state is RunState.SUCCEEDED
    world.driver.want([damaged])
    with pytest.raises(BongsuError, match="cannot be read"):
        world.driver.step()


def attempt_in_the_way(world: World, run_id: RunId) -> None:
    """A row that stands where the driver wants to write one, and of which it knows nothing."""
    row = {"run_id": run_id, "stage_id": "a", "number": 1, "state": "requested", "requested_at": 0.0}
    with world.database.write() as connection:
        connection.execute(insert(schema.attempts).values(row))


def test_a_run_of_which_nothing_can_be_written_is_set_aside_where_many_are_driven(world: World) -> None:
    stuck, sound = (submit(world.elsewhere, plan_of(stage("a"), name=name)).run.id for name in ("one", "two"))
    world.driver.want([stuck, sound], each_counts=False)
    world.faults.do_at(1, lambda: attempt_in_the_way(world, stuck))
    for _ in range(20):
        world.driver.step()
        for attempt in world.cluster.live:
            world.cluster.succeed(attempt)
    assert world.driver.facts[sound].run.state is RunState.SUCCEEDED
    assert "UNIQUE" in str(world.driver.aside[stuck])
    with world.database.write() as connection:
        connection.execute(delete(schema.attempts).where(schema.attempts.c.run_id == stuck))
        claim_version(connection, stuck, get_run(connection, stuck).version)
    for _ in range(20):
        world.driver.step()
        for attempt in world.cluster.live:
            world.cluster.succeed(attempt)
    assert world.driver.facts[stuck].run.state is RunState.SUCCEEDED
    assert world.driver.aside == {}
    world.driver.let_go()
    assert world.driver.facts == {}
    assert world.driver.step() == set()


def test_a_run_of_which_nothing_can_be_written_is_told_to_who_asks_for_it(world: World) -> None:
    stuck = submit(world.elsewhere, plan_of(stage("a"))).run.id
    world.driver.want([stuck])
    world.faults.do_at(1, lambda: attempt_in_the_way(world, stuck))
    with pytest.raises(IntegrityError):
        steps(world, 5)


def steps(world: World, count: int) -> None:
    for _ in range(count):
        world.driver.step()
