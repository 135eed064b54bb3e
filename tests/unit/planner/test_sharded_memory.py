"""What workers that share a model gather of it, as FSDP2 gathers it: in the numbers that its shares are held in."""

from __future__ import annotations

from typing import Any

from published_models import AXK1

from bongsu.domain.plan import MemoryEstimate
from bongsu.domain.resources import Resources
from bongsu.planner.config_shapes import shape_of
from bongsu.planner.memory import estimate_memory
from bongsu.planner.model_shape import ModelShape
from bongsu_stages.runtime.catalogue import load_stage

TRAINING = {"steps": 1, "learningRate": 1e-4, "parallel": "shard", "microBatch": 1}


def shape(**change: Any) -> ModelShape:
    found = shape_of(AXK1 | change)
    assert found is not None
    return found


K1, HALF, SMALL = shape(), shape(n_routed_experts=96), shape(n_routed_experts=8)


def needed(uses: str, model: ModelShape, teacher: ModelShape | None = None) -> MemoryEstimate:
    signature = load_stage(uses).signature
    work = signature.workload(signature.params.model_validate(TRAINING), 4096)
    return estimate_memory(model, work, Resources(workers=128, gpus_per_worker=1), teacher)


def test_a_trained_model_is_gathered_in_fp32_on_a_gpu_too() -> None:
    assert needed("train.continue", K1).gathered == 4 * (3 * K1.largest_layer + K1.embeddings)


def test_an_adapters_base_is_gathered_as_it_is_held() -> None:
    assert needed("train.finetune", K1).gathered == 2 * (3 * K1.largest_layer + K1.embeddings)


def test_student_and_teacher_take_turns_and_both_keep_their_embeddings() -> None:
    both = 4 * HALF.embeddings + 2 * K1.embeddings
    assert needed("compress.distill", HALF, K1).gathered == 4 * 3 * HALF.largest_layer + both
    assert needed("compress.distill", SMALL, K1).gathered == 2 * 2 * K1.largest_layer + both


def test_a_worker_that_holds_the_model_gathers_nothing() -> None:
    signature = load_stage("compress.distill").signature
    work = signature.workload(signature.params.model_validate(TRAINING), 4096)
    assert estimate_memory(HALF, work, Resources(gpus_per_worker=1), K1).gathered == 0
