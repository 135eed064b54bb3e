"""A run that cannot be read keeps no other run from going on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from reconciler_world import World
from small_plans import plan_of, stage
from sqlalchemy import update

from bongsu.domain.problems import BongsuError
from bongsu.domain.run import RunState
from bongsu.service.cancelling import request_cancel
from bongsu.service.submitting import submit
from bongsu.store import schema


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
