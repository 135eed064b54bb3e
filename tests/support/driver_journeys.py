"""A few journeys of runs from their submission to their end, on which the real driver is killed and left without
answers."""

from __future__ import annotations

from collections.abc import Callable

from reconciler_faults import Killed
from reconciler_invariants import check_deliveries, check_end, check_store
from reconciler_world import World, registering_stage, registration_inputs
from small_plans import plan_of, stage

from bongsu.service.cancelling import request_cancel
from bongsu.service.showing import list_runs, show_run
from bongsu.service.submitting import submit
from bongsu.store.database import Database

ROUNDS = 40
PAIR = (stage("a"), stage("b", "a"))


def tick_success(world: World, _round: int) -> None:
    """Everything succeeds, and workers stay until they are told to go."""
    for attempt in world.cluster.live:
        if world.cluster.jobs[attempt].has_record:
            world.cluster.obey(attempt)
        else:
            world.cluster.succeed(attempt, hang=True)
    if world.delivery.registrar.is_busy:
        world.answer_registrations()


def tick_trouble(world: World, _round: int) -> None:
    """The first attempt takes too long, the second is lost, the third succeeds."""
    for attempt in world.cluster.live:
        job = world.cluster.jobs[attempt]
        if job.asked_to_stop:
            world.cluster.obey(attempt)
        elif job.started_at is None:
            world.cluster.start(attempt)
        elif attempt.number == 1:
            world.now += 61
        elif attempt.number == 2:
            world.cluster.lose(attempt)
        else:
            world.cluster.succeed(attempt)


def tick_cancel(world: World, round_: int) -> None:
    """The run is cancelled while its first stage runs."""
    for attempt in world.cluster.live:
        job = world.cluster.jobs[attempt]
        if job.asked_to_stop:
            world.cluster.obey(attempt)
        elif job.started_at is None:
            world.cluster.start(attempt)
    if round_ >= 2 and not any(run.state.is_final for run in list_runs(world.elsewhere)):
        request_cancel(world.elsewhere, "latest")


def begin_simply(world: World) -> None:
    submit(world.elsewhere, plan_of(*PAIR))


def begin_registering(world: World) -> None:
    submit(world.elsewhere, plan_of(registering_stage("register"), inputs=registration_inputs(world.artifacts)))


def begin_with_retries(world: World) -> None:
    submit(world.elsewhere, plan_of(stage("a", retries=1, timeout=60)))


def begin_again(world: World) -> None:
    """The second run of a plan: everything is there."""
    begin_simply(world)
    to_the_end(world, tick_success)
    world.faults.passed.clear()
    begin_simply(world)


Journey = tuple[Callable[[World], None], Callable[[World, int], None], dict[str, str]]
JOURNEYS: dict[str, Journey] = {
    "two stages": (begin_simply, tick_success, {"a": "succeeded", "b": "succeeded"}),
    "a registration": (begin_registering, tick_success, {"register": "succeeded"}),
    "trouble": (begin_with_retries, tick_trouble, {"a": "succeeded"}),
    "a cancellation": (begin_simply, tick_cancel, {"a": "cancelled", "b": "cancelled"}),
    "the cache": (begin_again, tick_success, {"a": "cached", "b": "cached"}),
}


def to_the_end(world: World, tick: Callable[[World, int], None]) -> None:
    """Drive, and let the world go on, until every run is over."""
    for round_ in range(ROUNDS):
        runs = list_runs(world.elsewhere)
        if all(run.state.is_final for run in runs):
            return
        try:
            world.driver.want([run.id for run in runs if not run.state.is_final])
            world.driver.step()
        except Killed:
            world.kill()
        check_store(world, [run.id for run in runs])
        tick(world, round_)
        world.ticks += 10
    raise AssertionError("it did not come to an end")


def play(name: str, arm: Callable[[World], None], database: Database | None = None) -> int:
    """Play the journey; returns how many points (calls of the executor and the artifact store, beginnings and ends of
    transactions) it passed.

    Args:
        name: in :data:`JOURNEYS`.
        arm: says what goes wrong once it has begun.
        database: an empty one; a file of its own if none is given.
    """
    begin, tick, ends = JOURNEYS[name]
    world = World(database=database)
    try:
        begin(world)
        arm(world)
        to_the_end(world, tick)
        found = {one.planned.id: one.record.state.value for one in show_run(world.elsewhere, "latest").stages}
        assert found == ends
        world.faults.disarm()
        check_end(world)
        check_deliveries(world)
        return len(world.faults.passed)
    finally:
        world.close()
