"""Whether a plan can be carried out at all: known accelerators, and memory that fits into them."""

from __future__ import annotations

from collections.abc import Iterator

from bongsu.domain.codes import plan as codes
from bongsu.domain.plan import PlannedStage, RunPlan
from bongsu.domain.problems import Problem
from bongsu.domain.suggest import closest
from bongsu.domain.workload import WorkKind
from bongsu.planner.accelerators import KNOWN, accelerator_of

# Share of a GPU's memory that tensors can use; the rest goes to the CUDA context and to fragmentation.
USABLE = 0.92


def check_feasible(plan: RunPlan) -> Iterator[Problem]:
    """Problems of stages that cannot run as they are written."""
    for planned in plan.stages:
        if planned.cache.runs:
            yield from _accelerator(planned)


def _accelerator(planned: PlannedStage) -> Iterator[Problem]:
    needs = planned.resources
    if needs.accelerator is None:
        return
    field = f"{planned.stage}.resources.accelerator"
    accelerator = accelerator_of(needs.accelerator)
    if accelerator is None:
        known = ", ".join(KNOWN)
        suggestion = closest(needs.accelerator, KNOWN)
        yield codes.UNKNOWN_ACCELERATOR.at(
            None, field, stage=planned.title, name=needs.accelerator, known=known, suggestion=suggestion
        )
        return
    if planned.memory is None or needs.gpus_per_worker == 0:
        return
    # The runtime's own memory lies in the host, not on the GPU.
    needed = planned.memory.total - planned.memory.runtime
    # Inference spreads layers over the GPUs of a worker; whatever else computes, computes on one of them.
    gpus = needs.gpus_per_worker if planned.workload.kind is WorkKind.INFERENCE else 1
    room = accelerator.memory * gpus * USABLE
    if needed > room:
        yield codes.DOES_NOT_FIT.at(
            None,
            field,
            stage=planned.title,
            needed=f"{needed / 1e9:,.0f} GB",
            room=f"{room / 1e9:,.0f} GB",
            gpus=f"{gpus} × {needs.accelerator}",
        )
