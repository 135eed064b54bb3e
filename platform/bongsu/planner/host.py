"""Main memory of a worker that computes on a GPU: what passes through it on the way there and back."""

from __future__ import annotations

from bongsu.domain.resources import Resources
from bongsu.domain.workload import WorkKind
from bongsu.planner.accelerators import DEFAULT_ACCELERATOR, accelerator_of
from bongsu.planner.arithmetic import Numbers
from bongsu.planner.model_shape import ModelShape

# Share of a free GPU that a worker gives to weights before it spreads a model (`bongsu_stages.models.placement`).
_FOR_WEIGHTS = 0.8
# A block in the numbers that it is held in and in bf16, and once more in part while it is taken apart: measured for
# workers that share a model, see `docs/memory.md`.
_BLOCKS_WRITTEN = 2.5


def host_bytes(
    shape: ModelShape,
    kind: WorkKind,
    resources: Resources,
    numbers: Numbers,
    teacher: ModelShape | None,
    split: int,
) -> int:
    """Bytes beyond the process of a stage that holds whole models.

    A model is loaded in main memory and moved to the GPU then, unless workers share it or no GPU of theirs holds it:
    those load it where it is to lie. Workers that share it write it block by block.
    """
    if split > 1:
        table = shape.vocabulary * shape.hidden
        return int(_BLOCKS_WRITTEN * max(shape.largest_layer, table) * numbers.weight)
    loaded = int(shape.total * numbers.weight)
    if kind is WorkKind.INFERENCE and loaded > _room(resources):
        return 0
    return max(loaded, int(teacher.total * numbers.batch.width) if teacher else 0)


def _room(resources: Resources) -> float:
    known = accelerator_of(resources.accelerator or DEFAULT_ACCELERATOR)
    return known.memory * _FOR_WEIGHTS if known else 0.0
