"""What a driver keeps of runs: what they took, in the store, for those that follow; and of itself nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import pytest
from reconciler_world import World
from small_plans import plan_of, stage

from bongsu.domain.capacity import Capacity
from bongsu.domain.codes.run import DATABASE_BUSY
from bongsu.domain.ids import AttemptId, RunId
from bongsu.domain.problems import BongsuError
from bongsu.domain.run import RunState
from bongsu.service.cancelling import request_cancel
from bongsu.service.submitting import submit
from bongsu.store import cache

ONE_CORE = Capacity(cpus=1, gpus=0, memory=16_000_000_000)


@pytest.fixture
def world() -> Iterator[World]:
    made = World(ONE_CORE)
    yield made
    made.close()


def begun(world: World, text: str) -> RunId:
    """A run of one pipeline whose two stages could begin in any order, and there is room for one."""
    stages = [stage(name, params={"text": f"{text} {name}"}) for name in ("a", "b")]
    run = submit(world.elsewhere, plan_of(*stages)).run.id
    world.driver.want([run], each_counts=False)
    for _ in range(3):
        world.driver.step()
    return run


def done(world: World, seconds: Mapping[str, float]) -> list[str]:
    """Let stages succeed, each after so many seconds, until there are none; returns their order."""
    order = []
    while world.cluster.live:
        (attempt,) = world.cluster.live
        order.append(str(attempt.stage_id))
        world.cluster.start(attempt)
        world.cluster.report(attempt, 1, 2)
        world.driver.step()
        world.now += seconds[attempt.stage_id]
        world.cluster.succeed(attempt)
        for _ in range(3):
            world.driver.step()
    return order


@pytest.mark.parametrize(("seconds", "order"), [({"a": 1, "b": 90}, ["b", "a"]), ({"a": 90, "b": 1}, ["a", "b"])])
def test_a_second_run_is_ordered_by_what_the_first_one_took(
    world: World, seconds: dict[str, float], order: list[str]
) -> None:
    first = begun(world, "first")
    done(world, seconds)
    assert world.driver.facts[first].run.state is RunState.SUCCEEDED
    world.driver.let_go()
    second = begun(world, "second")
    assert world.driver.view(second).seconds_left == pytest.approx(90, abs=1)
    assert done(world, seconds) == order


def test_a_run_is_driven_on_although_the_store_was_silent_on_what_others_took(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_given: object) -> None:
        raise DATABASE_BUSY.error(url="sqlite://", detail="x")

    run = submit(world.elsewhere, plan_of(stage("a"))).run.id
    world.driver.want([run])
    with monkeypatch.context() as patch:
        patch.setattr(cache, "usual_seconds", silent)
        with pytest.raises(BongsuError):
            world.driver.step()
    for _ in range(3):
        world.driver.step()
    assert len(world.cluster.live) == 1


def traces(thing: Any, run: RunId, path: str, seen: set[int]) -> Iterator[str]:
    """Where the reconciler's objects have something of a run."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, str | AttemptId):
        if run in str(thing):
            yield path
    elif isinstance(thing, Mapping):
        for key, value in thing.items():
            yield from traces(key, run, path, seen)
            yield from traces(value, run, f"{path}[...]", seen)
    elif isinstance(thing, list | tuple | AbstractSet):
        for one in thing:
            yield from traces(one, run, path, seen)
    elif type(thing).__module__.startswith("bongsu.reconciler") and hasattr(thing, "__dict__"):
        for name, value in vars(thing).items():
            yield from traces(value, run, f"{path}.{name}", seen)


def test_nothing_of_a_run_that_is_over_is_left(world: World) -> None:
    succeeds, cancelled = begun(world, "one"), begun(world, "two")
    assert list(traces(world.driver, succeeds, "driver", set())), "it would see what is there"
    (attempt,) = world.cluster.live
    assert attempt.run_id == succeeds
    world.cluster.start(attempt)
    world.cluster.report(attempt, 1, 2)
    world.driver.step()
    world.cluster.succeed(attempt, hang=True)
    world.ticks += 10
    world.driver.step()  # the worker is told to go
    world.cluster.obey(attempt)
    for _ in range(3):
        world.driver.step()
    request_cancel(world.elsewhere, cancelled)
    while world.cluster.live:
        for live in world.cluster.live:
            if world.cluster.jobs[live].asked_to_stop:
                world.cluster.obey(live)
            else:
                world.cluster.succeed(live)
        for _ in range(3):
            world.driver.step()
    states = {run: world.driver.facts[run].run.state for run in (succeeds, cancelled)}
    assert states == {succeeds: RunState.SUCCEEDED, cancelled: RunState.CANCELLED}
    world.driver.let_go()
    world.driver.step()
    for run in (succeeds, cancelled):
        assert list(traces(world.driver, run, "driver", set())) == []
