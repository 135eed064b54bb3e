"""What passes through the main memory of workers that compute on GPUs."""

from __future__ import annotations

from typing import Any

import pytest
from published_models import AXK1, AXK2_LIGHT

from bongsu.domain.plan import MemoryEstimate
from bongsu.domain.resources import Resources
from bongsu.domain.workload import WorkKind, Workload
from bongsu.planner.config_shapes import shape_of
from bongsu.planner.memory import estimate_memory

K1, K2 = shape_of(AXK1), shape_of(AXK2_LIGHT)
assert K1 is not None
assert K2 is not None


def needed(kind: WorkKind, model: Any = K2, teacher: Any = None, **resources: Any) -> MemoryEstimate:
    work = Workload(kind=kind, weight_bytes=None if kind is WorkKind.INFERENCE else 4.0, sharded=True)
    return estimate_memory(model, work, Resources(**{"gpus_per_worker": 1, **resources}), teacher)


def test_a_model_is_loaded_there_before_it_moves() -> None:
    assert needed(WorkKind.TRAIN_FULL).host == 4 * K2.total
    assert needed(WorkKind.DISTILL, teacher=K1).host == 2 * K1.total
    assert needed(WorkKind.DISTILL, teacher=K2).host == 4 * K2.total
    assert needed(WorkKind.INFERENCE).host == 2 * K2.total


def test_what_no_gpu_holds_goes_where_it_is_to_lie() -> None:
    assert needed(WorkKind.INFERENCE, K1, gpus_per_worker=16).host == 0
    assert needed(WorkKind.INFERENCE, accelerator="A100-40GB").host == 0


def test_workers_that_share_a_model_write_it_block_by_block() -> None:
    assert needed(WorkKind.TRAIN_FULL, K1, workers=64).host == int(2.5 * 4 * K1.largest_layer)


@pytest.mark.parametrize("kind", WorkKind)
def test_without_a_gpu_every_part_is_main_memory(kind: WorkKind) -> None:
    assert needed(kind, gpus_per_worker=0).host == 0
    assert needed(WorkKind.LIGHT).host == 0
