"""Plans warn of memory below their own estimate and of GPUs that nothing would compute on."""

from __future__ import annotations

from typing import Any

import pytest
from small_plans import plan_of, stage

from bongsu.domain.capacity import Capacity
from bongsu.domain.plan import CacheReason, CacheVerdict, MemoryEstimate, PlannedStage
from bongsu.domain.problems import Problem
from bongsu.domain.resources import Resources
from bongsu.domain.workload import WorkKind, Workload
from bongsu.planner.advice import advise, advise_room

NEEDS = MemoryEstimate(weights=6 * 10**9, activations=10**9, runtime=10**9)


def planned(kind: WorkKind = WorkKind.TRAIN_FULL, name: str = "a", **changes: Any) -> PlannedStage:
    resources = Resources(**changes.pop("resources", {}))
    values = {"memory": NEEDS, "workload": Workload(kind=kind), "resources": resources, "distributed": True}
    return stage(name, **values | changes)


def said(problems: Any) -> dict[str, str]:
    found: list[Problem] = list(problems)
    return {problem.field_path: f"{problem.what()} {problem.fix()} [{problem.code.name}]" for problem in found}


def test_memory_below_the_estimate_is_told_with_how_much_would_do() -> None:
    told = said(advise(plan_of(planned(resources={"memory": 4 * 10**9}))))
    assert list(told) == ["a.resources.memory"]
    assert (
        "asks for 4.0 GB of memory, and the plan expects it to need about 8.0 GB. Ask for memory: 8.0G"
        in told["a.resources.memory"]
    )
    assert not said(advise(plan_of(planned(resources={"memory": 8 * 10**9}))))
    assert not said(advise(plan_of(planned(), planned(memory=None, name="b", resources={"memory": 10**6}))))


def test_models_that_are_only_read_may_lie_on_disk() -> None:
    assert not said(advise(plan_of(planned(WorkKind.INFERENCE, resources={"memory": 2 * 10**9}))))
    assert said(advise(plan_of(planned(WorkKind.INFERENCE, resources={"memory": 10**9}))))


def test_on_a_gpu_main_memory_holds_the_process_and_what_passes_through() -> None:
    passing = NEEDS.model_copy(update={"host": 3 * 10**9})
    asked = {"memory": 4 * 10**9, "gpus_per_worker": 1}
    assert not said(advise(plan_of(planned(memory=passing, resources=asked))))
    told = said(advise(plan_of(planned(memory=passing, resources=asked | {"memory": 2 * 10**9}))))
    assert "Ask for memory: 4.0G" in told["a.resources.memory"]
    has = Capacity(cpus=4, gpus=2, memory=7 * 10**9)
    needs = planned(memory=passing, resources={"workers": 2, "gpus_per_worker": 1})
    assert "need about 8.0 GB" in said(advise_room(plan_of(needs), has))["a.resources"]


def test_the_worst_point_of_a_matrix_is_told_once_and_what_is_cached_never() -> None:
    asked = {"memory": 2 * 10**9}
    small, large = (
        planned(stage="a", name=f"a-{size}", point={"size": size}, resources=asked, memory=NEEDS.model_copy(
            update={"weights": size * 10**9}))
        for size in (1, 9)
    )  # fmt: skip
    told = said(advise(plan_of(small, large)))
    assert len(told) == 1
    assert "A worker of a (size=9)" in told["a.resources.memory"]
    hit = CacheVerdict(hit=True, reason=CacheReason.HIT)
    assert not said(advise(plan_of(planned(resources=asked, cache=hit))))


@pytest.mark.parametrize(
    "kind", [WorkKind.TRAIN_FULL, WorkKind.TRAIN_LORA, WorkKind.DISTILL, WorkKind.PRUNE_STREAMED]
)
def test_gpus_that_would_be_idle_are_told_with_as_many_workers(kind: WorkKind) -> None:
    gpus = {"gpus_per_worker": 4, "workers": 2}
    told = said(advise(plan_of(planned(kind, resources=gpus))))
    assert "Write workers: 8 and gpusPerWorker: 1" in told["a.resources.gpusPerWorker"]
    told = said(advise(plan_of(planned(kind, resources={"gpus_per_worker": 4}, distributed=False))))
    assert "Write gpusPerWorker: 1." in told["a.resources.gpusPerWorker"]
    assert not said(advise(plan_of(planned(kind, resources={"gpus_per_worker": 1, "workers": 2}))))
    for other in (WorkKind.INFERENCE, WorkKind.LIGHT):
        assert not said(advise(plan_of(planned(other, resources=gpus))))


def test_an_estimate_beyond_the_machine_is_told_where_the_stage_does_not_ask_itself() -> None:
    has = Capacity(cpus=4, gpus=0, memory=12 * 10**9)
    told = said(advise_room(plan_of(planned(resources={"workers": 2})), has))
    assert "need about 16.0 GB of memory, and there are 12.0 GB here" in told["a.resources"]
    assert not said(advise_room(plan_of(planned()), has))
    assert not said(advise_room(plan_of(planned(resources={"workers": 2, "memory": 10**9})), has))
