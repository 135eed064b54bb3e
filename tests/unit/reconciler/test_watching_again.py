"""A driver that takes over from one that was killed writes no event down a second time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from reconciler_world import World
from small_plans import plan_of, stage

from bongsu.domain.events import Checkpointed, Message
from bongsu.domain.ids import RunId
from bongsu.service.submitting import submit
from bongsu.store.attempts import attempts_of
from bongsu.store.history import events_of


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.close()


def words(world: World, run: RunId) -> list[str]:
    with world.database.read() as connection:
        return [event.body["text"] for event in events_of(connection, run) if event.type == "message"]


def test_events_that_are_in_the_log_are_not_written_again_and_new_ones_are(world: World) -> None:
    run = submit(world.elsewhere, plan_of(stage("a"))).run.id
    world.driver.want([run])
    for _ in range(3):
        world.driver.step()
    (attempt,) = world.cluster.live
    world.cluster.start(attempt)
    job = world.cluster.jobs[attempt]
    job.events += [Message(time=world.now, text="하나"), Checkpointed(time=world.now, step=40)]
    for _ in range(3):
        world.ticks += 10
        world.driver.step()
    assert words(world, run) == ["하나"]
    world.kill()
    world.driver.want([run])
    job.events.append(Message(time=world.now, text="둘"))
    for _ in range(3):
        world.ticks += 10
        world.driver.step()
    assert words(world, run) == ["하나", "둘"]
    with world.database.read() as connection:
        (record,) = attempts_of(connection, run)
    assert (record.last_step, record.events_cursor) == (40, 3)


def test_a_step_that_no_checkpoint_holds_goes_on_growing_under_the_next_driver(world: World) -> None:
    run = submit(world.elsewhere, plan_of(stage("a"))).run.id
    world.driver.want([run])
    for _ in range(3):
        world.driver.step()
    (attempt,) = world.cluster.live
    world.cluster.start(attempt)

    def noted(step: int) -> int | None:
        world.cluster.report(attempt, step, 100)
        for _ in range(3):
            world.ticks += 10
            world.driver.step()
        with world.database.read() as connection:
            (record,) = attempts_of(connection, run)
        return record.last_step

    assert noted(10) == 10
    world.kill()
    world.driver.want([run])
    assert noted(20) == 20
    world.cluster.jobs[attempt].events.append(Checkpointed(time=world.now, step=15))
    assert noted(30) == 15
    world.kill()
    world.driver.want([run])
    assert noted(40) == 15, "a later attempt begins where the checkpoint is"
