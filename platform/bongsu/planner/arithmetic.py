"""Widths of numbers in memory, and allowances that every estimate makes."""

from __future__ import annotations

from dataclasses import dataclass

from bongsu.domain.resources import Resources
from bongsu.domain.workload import Workload
from bongsu.planner.activations import Batch
from bongsu.planner.model_shape import ModelShape

# Resident size of a worker with Ray, torch, transformers and Ray Train loaded, before any model is (measured on CPU
# builds: 0.57 to 0.84 GB without and 0.99 GB with Ray Train's session, and more where other stages ran in it before and
# left their imports; a GPU's CUDA context is in `feasibility.USABLE`).
RUNTIME_BYTES = 1_300_000_000
# What allocators hold beyond what is in use: the backward pass frees in other places than the forward pass asks.
ALLOCATOR = 1.25
# Published models are stored in bf16.
STORED = 2


@dataclass(frozen=True)
class Numbers:
    """Bytes of a weight and of an activation where the model computes, and the micro-batch."""

    weight: float
    batch: Batch


def numbers_of(shape: ModelShape, work: Workload, resources: Resources) -> Numbers:
    on_gpu = resources.gpus_per_worker > 0
    usual = 2.0 if on_gpu else 4.0
    unlike = shape.widths.key_width != shape.widths.value_width
    batch = Batch(
        sequences=work.micro_batch,
        length=work.sequence_length,
        width=work.activation_bytes or usual,
        materialised_scores=unlike and not on_gpu,
    )
    return Numbers(work.weight_bytes or usual, batch)
