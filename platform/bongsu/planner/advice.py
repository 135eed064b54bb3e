"""What a plan warns of: stages that will start, and probably end otherwise than they are meant to."""

from __future__ import annotations

from collections.abc import Iterator

from bongsu.domain.capacity import Capacity
from bongsu.domain.codes import plan as codes
from bongsu.domain.plan import PlannedStage, RunPlan
from bongsu.domain.problems import Problem
from bongsu.domain.workload import WorkKind
from bongsu.planner.memory import TRAINING

# What computes on one device of a worker, however many it has.
ONE_DEVICE = TRAINING | {WorkKind.PRUNE_STREAMED, WorkKind.QUANTIZE_STREAMED}


def advise(plan: RunPlan) -> Iterator[Problem]:
    """Warnings about memory that a stage asks for, and GPUs that it would leave idle. Of a matrix, the point that
    needs most memory is told."""
    for planned in _worst(plan):
        yield from _idle_gpus(planned)
        asked = planned.resources.memory
        if asked is not None and asked < in_host(planned):
            field = f"{planned.stage}.resources.memory"
            yield codes.MEMORY_BELOW_ESTIMATE.at(
                None, field, stage=planned.title, asked=_gb(asked), needed=_gb(in_host(planned)), **_enough(planned)
            )


def advise_room(plan: RunPlan, has: Capacity) -> Iterator[Problem]:
    """Warnings about stages whose workers, by the plan's estimate, need more memory than the executor has; one that
    says itself how much it needs is measured by its own word."""
    for planned in _worst(plan):
        needed = planned.resources.workers * in_host(planned)
        if planned.resources.memory is None and needed > has.memory:
            field = f"{planned.stage}.resources"
            yield codes.MEMORY_BEYOND_EXECUTOR.at(
                None, field, stage=planned.title, needed=_gb(needed), there=_gb(has.memory)
            )


def in_host(planned: PlannedStage) -> int:
    """Bytes of a worker's main memory that its stage needs by the plan's estimate; 0 where the plan does not know.

    On a GPU that is the process and what passes through main memory. Models that are only read spread to the disk
    where memory is short, so that their weights need none.
    """
    memory = planned.memory
    if memory is None:
        return 0
    if planned.resources.gpus_per_worker:
        return memory.runtime + memory.host
    spread = memory.weights if planned.workload.kind is WorkKind.INFERENCE else 0
    return memory.total - spread


def _worst(plan: RunPlan) -> list[PlannedStage]:
    """The point of each stage that needs most memory, of those that run."""
    worst: dict[str, PlannedStage] = {}
    for planned in plan.stages:
        known = worst.get(planned.stage)
        if planned.cache.runs and (known is None or in_host(planned) > in_host(known)):
            worst[planned.stage] = planned
    return list(worst.values())


def _idle_gpus(planned: PlannedStage) -> Iterator[Problem]:
    needs = planned.resources
    if needs.gpus_per_worker < 2 or planned.workload.kind not in ONE_DEVICE:
        return
    field, args = (
        f"{planned.stage}.resources.gpusPerWorker",
        {"stage": planned.title, "gpus": needs.gpus_per_worker},
    )
    if planned.distributed:
        yield codes.IDLE_GPUS.at(None, field, **args, workers=needs.total_gpus)
    else:
        yield codes.IDLE_GPUS_OF_ONE_WORKER.at(None, field, **args)


def _enough(planned: PlannedStage) -> dict[str, str]:
    """What to write for ``memory``, rounded up."""
    return {"enough": f"{-(-in_host(planned) // 10**8) / 10:.1f}G"}


def _gb(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"
