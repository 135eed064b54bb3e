"""Who does not answer stays named until it does, whatever others answer meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from reconciler_world import World, registering_stage, registration_inputs
from small_plans import plan_of, stage

from bongsu.domain.capacity import Capacity
from bongsu.domain.ids import AttemptId, RunId, StageId
from bongsu.reconciler.backend import Backend
from bongsu.reconciler.view import RunView
from bongsu.service.cancelling import request_cancel
from bongsu.service.submitting import submit
from bongsu.store.attempts import attempts_of


class Silent:
    """An executor that fails in the calls that are named in ``broken``."""

    def __init__(self) -> None:
        self.broken: set[str] = set()

    def __getattr__(self, name: str) -> Callable[..., object]:
        def call(*_given: object) -> object:
            if name in self.broken:
                raise TimeoutError(f"no {name}")
            return {"capacity": Capacity(cpus=1, gpus=0, memory=1), "observe": {}}.get(name)

        return call


def attempt(number: int) -> AttemptId:
    return AttemptId(run_id=RunId("r-000000000001"), stage_id=StageId("a"), number=number)


class Bench:
    def __init__(self) -> None:
        self.now = 0.0
        self.executor = Silent()
        self.backend = Backend(lambda: self.executor, lambda: self.now)  # type: ignore[arg-type, return-value]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_capacity_that_is_told_again_is_no_trouble_any_more(bench: Bench) -> None:
    bench.executor.broken = {"capacity"}
    assert bench.backend.capacity() is None
    assert "no capacity" in str(bench.backend.trouble)
    bench.executor.broken = set()
    assert bench.backend.capacity() is not None
    assert bench.backend.trouble == ""


def test_what_is_seen_hides_no_capacity_that_is_not_told(bench: Bench) -> None:
    bench.executor.broken = {"capacity"}
    bench.backend.capacity()
    bench.backend.observe([attempt(1)])
    assert "no capacity" in str(bench.backend.trouble)


def test_a_stop_that_was_not_heard_is_trouble_until_it_is_or_the_attempt_is_over(bench: Bench) -> None:
    bench.executor.broken = {"cancel"}
    for number in (1, 2):
        bench.backend.stop(attempt(number))
    bench.executor.broken = set()
    bench.backend.stop(attempt(1))
    bench.backend.observe([attempt(1), attempt(2)])
    assert "no cancel" in str(bench.backend.trouble)
    bench.backend.observe([attempt(1)])
    assert bench.backend.trouble == ""


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.close()


def begun(world: World, *names: str) -> list[AttemptId]:
    run = submit(world.elsewhere, plan_of(*map(stage, names))).run.id
    world.driver.want([run])
    for _ in range(3):
        world.driver.step()
    return world.cluster.live


@pytest.mark.parametrize("which", [0, 1])
def test_a_record_that_cannot_be_read_is_told_although_another_can(
    world: World, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    both = begun(world, "a", "b")
    one = both[which]
    get = world.artifacts.get_record

    def half_silent(key: str) -> bytes | None:
        if one.key in key:
            raise OSError("no route")
        return get(key)

    monkeypatch.setattr(world.artifacts, "get_record", half_silent)
    for each in both:
        world.cluster.start(each)
    world.cluster.succeed(one)
    for _ in range(3):
        world.ticks += 10  # time to look for the record of the one that runs, too
        world.driver.step()
        assert "no route" in str(world.driver.view(one.run_id).trouble)
    world.cluster.succeed(both[1 - which])
    monkeypatch.undo()
    world.driver.step()
    assert world.driver.view(one.run_id).trouble == ""
    with world.database.read() as connection:
        assert {record.state.value for record in attempts_of(connection, one.run_id)} == {"succeeded"}


def test_a_worker_that_stays_after_its_result_is_told_to_go_until_it_is_gone_and_its_cores_are_taken(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.cluster.capacity = Capacity(cpus=1, gpus=0, memory=16_000_000_000)
    (first,) = begun(world, "a", "b")
    heard: list[AttemptId] = []
    executor = world.executor
    monkeypatch.setattr(executor, "cancel", lambda each: heard.append(each) if len(heard) else _deaf(heard, each))
    world.cluster.succeed(first, hang=True)
    for _ in range(4):
        world.ticks += 10
        world.driver.step()
    assert heard[0] == first
    assert len(heard) > 2, "once is not enough, and less so if it was not heard"
    assert world.cluster.live == [first], "there is no core for another"
    world.cluster.obey(first)
    for _ in range(2):
        world.driver.step()
    (second,) = world.cluster.live
    assert second.stage_id != first.stage_id
    told = len(heard)
    world.ticks += 10
    world.driver.step()
    assert len(heard) == told


def test_who_watches_is_told_why_a_registration_waits_although_nothing_moves(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(registering_stage("register"), inputs=registration_inputs(world.artifacts))
    run = submit(world.elsewhere, plan).run.id
    seen: list[str] = []

    def silent(_request: object) -> None:
        raise ConnectionError("no registry")

    def watch(view: RunView) -> None:
        if view.trouble and not seen:
            seen.append(str(view.trouble))
            request_cancel(world.elsewhere, run)
            world.delivery.close()  # it would wait before it tries again

    monkeypatch.setattr(world.publisher, "publish_registration", silent)
    driving = threading.Thread(target=lambda: world.driver.run([run], watch), daemon=True)
    driving.start()
    while driving.is_alive() and not world.cluster.live:
        driving.join(0.01)
    for live in world.cluster.live:
        world.cluster.succeed(live)
    driving.join(20)
    assert not driving.is_alive()
    assert "a registration waits for it" in seen[0]
    assert "no registry" in seen[0]


def _deaf(heard: list[AttemptId], attempt: AttemptId) -> None:
    heard.append(attempt)
    raise TimeoutError("no answer")
