"""Memory of one worker, from a model's shape and what is done to it.

Weights, gradients and optimizer follow ZeRO's accounting (Rajbhandari et al., arXiv 1910.02054), activations are
counted in :mod:`bongsu.planner.activations`. Parts are added up although not all of them are there at the same
moment, so an estimate lies above the peak; ``tests/integration/planner`` holds it to real peaks on a CPU, and
``docs/memory.md`` says how far above.
"""

from __future__ import annotations

from dataclasses import dataclass

from bongsu.domain.plan import MemoryEstimate
from bongsu.domain.resources import Resources
from bongsu.domain.workload import WorkKind, Workload
from bongsu.planner.activations import (
    FP32,
    Batch,
    cache_bytes,
    forward_peak,
    kept_for_backward,
    kept_when_recomputed,
    largest_layer_bytes,
    logit_bytes,
    passing_bytes,
)
from bongsu.planner.adapter import adapter_parameters
from bongsu.planner.model_shape import ModelShape, largest_matrix

# Resident size of a worker with Ray, torch, transformers and Ray Train loaded, before any model is (measured on CPU
# builds: 0.57 to 0.84 GB without and 0.99 GB with Ray Train's session, and more where other stages ran in it before and
# left their imports; a GPU's CUDA context is in `feasibility.USABLE`).
RUNTIME_BYTES = 1_300_000_000
# fp32 tensors of a number for each token and entry of the vocabulary that exist at once around the loss.
_LOGIT_COPIES = {WorkKind.DISTILL: 6.0, WorkKind.INFERENCE: 3.0}
_TRAINING_COPIES = 5.0
# What allocators hold beyond what is in use: the backward pass frees in other places than the forward pass asks.
_ALLOCATOR = 1.25
# Published models are stored in bf16.
STORED = 2
# A file is copied to the artifact store in pieces of 16 MiB, the next of which is read while the last is still there.
_COPIED_AT_ONCE = 2 * 16 * 1024 * 1024
# A group's largest value, its best error and scale, and those that are tried; kernels take groups from 32 columns on.
_FIGURES_A_GROUP = 5
_SMALLEST_GROUP = 32
# FSDP2 holds the layer that computes and the next one, and the gradient of the layer that it is about to split.
_GATHERED_LAYERS = 3
TRAINING = frozenset({WorkKind.TRAIN_FULL, WorkKind.TRAIN_LORA, WorkKind.DISTILL})
STREAMED = frozenset({WorkKind.PRUNE_STREAMED, WorkKind.QUANTIZE_STREAMED})


@dataclass(frozen=True)
class _Numbers:
    """Bytes of a weight and of an activation on the device, and the micro-batch."""

    weight: float
    batch: Batch


def estimate_memory(
    shape: ModelShape, work: Workload, resources: Resources, teacher: ModelShape | None = None
) -> MemoryEstimate:
    """Bytes that one worker needs at its peak.

    Args:
        shape: the model that is worked on.
        work: what is done to it; ``work.sharded`` splits weights, gradients and optimizer over the workers.
        resources: the gang, and whether it computes on GPUs.
        teacher: the model that a distillation learns from; of the same shape if left out.
    """
    if work.kind is WorkKind.LIGHT:
        return MemoryEstimate(runtime=RUNTIME_BYTES)
    numbers = _numbers(shape, work, resources)
    if work.kind in STREAMED:
        return _streamed(shape, work, numbers)
    split = resources.workers if work.sharded else 1
    trained = _trained(shape, work)
    # LoRA's matrices come on top of the model, in fp32.
    adapter = trained * FP32 if work.kind is WorkKind.TRAIN_LORA else 0
    gradient = FP32 if work.kind is WorkKind.TRAIN_LORA else numbers.weight
    taught = (teacher or shape).total if work.kind is WorkKind.DISTILL else 0
    # Every worker has all of an adapter, whose gradients are averaged.
    owners = 1 if work.kind is WorkKind.TRAIN_LORA else split
    return MemoryEstimate(
        weights=int(shape.total * numbers.weight) // split + adapter,
        gathered=_gathered(shape, numbers) if split > 1 else 0,
        gradients=int(trained * gradient) // owners,
        optimizer=int(trained * work.optimizer_bytes) // owners,
        activations=_activations(shape, work, numbers.batch),
        teacher=int(taught * numbers.batch.width) // split,
        workspace=_loss(shape, work, numbers.batch),
        runtime=RUNTIME_BYTES,
    )


def _trained(shape: ModelShape, work: Workload) -> int:
    """Parameters with gradients."""
    if work.kind is WorkKind.TRAIN_LORA and work.adapter_rank:
        return adapter_parameters(shape, work.adapter_rank, work.adapts_experts)
    return int(shape.total * work.trainable_fraction) if work.kind in TRAINING else 0


def _numbers(shape: ModelShape, work: Workload, resources: Resources) -> _Numbers:
    on_gpu = resources.gpus_per_worker > 0
    usual = 2.0 if on_gpu else 4.0
    unlike = shape.widths.key_width != shape.widths.value_width
    batch = Batch(
        sequences=work.micro_batch,
        length=work.sequence_length,
        width=work.activation_bytes or usual,
        materialised_scores=unlike and not on_gpu,
    )
    return _Numbers(work.weight_bytes or usual, batch)


def _gathered(shape: ModelShape, numbers: _Numbers) -> int:
    """Sharded workers gather a layer when its turn comes, in the numbers that it computes in; the embeddings belong
    to no layer and stay gathered."""
    return int((_GATHERED_LAYERS * shape.largest_layer + shape.embeddings) * numbers.batch.width)


def _activations(shape: ModelShape, work: Workload, batch: Batch) -> int:
    if work.kind not in TRAINING:
        return int(_ALLOCATOR * (largest_layer_bytes(shape, batch) + forward_peak(shape, batch)))
    kept = kept_when_recomputed(shape, batch) if work.checkpoint_activations else kept_for_backward(shape, batch)
    return int(_ALLOCATOR * (kept + forward_peak(shape, batch)))


def _loss(shape: ModelShape, work: Workload, batch: Batch) -> int:
    copies = _LOGIT_COPIES.get(work.kind, _TRAINING_COPIES)
    cache = cache_bytes(shape, batch) if work.kind is WorkKind.INFERENCE else 0
    return int(_ALLOCATOR * (logit_bytes(shape, batch, copies) + cache))


def _streamed(shape: ModelShape, work: Workload, numbers: _Numbers) -> MemoryEstimate:
    """The moment that needs most: the embeddings are read, then one decoder layer after another computes, then
    matrices are written one by one. What one moment holds is gone in the next, but for the hidden states of all
    calibration tokens, which stay between layers and are written anew batch by batch."""
    moments = [_written(shape, work)]
    if work.tokens:
        batch = numbers.batch
        states = int((work.tokens + batch.tokens) * shape.hidden * batch.width)
        table = shape.vocabulary * shape.hidden * (STORED + FP32)
        moments.append(MemoryEstimate(weights=table, activations=states, runtime=RUNTIME_BYTES))
        # While fused expert tensors are filled from the entries of single experts, one projection exists twice.
        entry = shape.hidden * max(shape.expert_width, shape.intermediate) * FP32
        layer = MemoryEstimate(
            weights=int(shape.largest_layer * numbers.weight) + entry,
            activations=states + int(_ALLOCATOR * passing_bytes(shape, batch)),
            workspace=_moments(shape, batch) if work.hessians else 0,
            runtime=RUNTIME_BYTES,
        )
        moments.append(layer)
    return max(moments, key=lambda moment: moment.total)


def _written(shape: ModelShape, work: Workload) -> MemoryEstimate:
    """Writing the new weight files: what stays is copied as it is stored, and what is quantised is there in fp32 with
    three more of its size, when scales and levels are tried, and a few figures a group."""
    number = 4 * FP32 + _FIGURES_A_GROUP * FP32 / _SMALLEST_GROUP
    matrix = int(largest_matrix(shape) * number) if work.kind is WorkKind.QUANTIZE_STREAMED else 0
    table = shape.vocabulary * shape.hidden * STORED
    held = max(matrix, table)
    if held < _COPIED_AT_ONCE:
        return MemoryEstimate(workspace=_COPIED_AT_ONCE, runtime=RUNTIME_BYTES)
    return MemoryEstimate(weights=held, runtime=RUNTIME_BYTES)


def _moments(shape: ModelShape, batch: Batch) -> int:
    """GPTQ's second moments, and what adding one batch to those of the widest input takes: a transposed copy of the
    input in fp32, and the product."""
    width = max(shape.hidden, shape.intermediate, shape.widths.heads * shape.widths.value_width)
    update = FP32 * (batch.tokens * width + width**2)
    return int(_ALLOCATOR * (hessian_bytes(shape) + update))


def hessian_bytes(shape: ModelShape) -> int:
    """GPTQ (Frantar et al., arXiv 2210.17323): for each linear map of a layer the fp32 second moments of its input,
    one for each expert, and three more of the largest while it is inverted."""
    widths = shape.widths
    attention = [shape.hidden, widths.query_rank, widths.key_rank, widths.heads * widths.value_width]
    if shape.sparse_layers:
        blocks = [shape.hidden, shape.expert_width] * shape.experts + [shape.hidden, shape.shared_width]
    else:
        blocks = [shape.hidden, shape.intermediate]
    if shape.dense_layers and shape.sparse_layers:
        largest_dense = shape.hidden**2 + shape.intermediate**2
        if largest_dense > sum(width**2 for width in blocks):
            blocks = [shape.hidden, shape.intermediate]
    every = [*attention, *blocks]
    return FP32 * (sum(width**2 for width in every) + 3 * max(every) ** 2)
