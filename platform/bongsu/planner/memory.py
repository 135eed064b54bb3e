"""Memory of one worker, from a model's shape and what is done to it.

Weights, gradients and optimizer follow ZeRO's accounting (Rajbhandari et al., arXiv 1910.02054); activations follow
Korthikanti et al., arXiv 2205.05198, adapted to latent attention and to experts, of which a token passes a few.
The constants of the runtime were measured on CPU (``tests/integration/planner``).
"""

from __future__ import annotations

from bongsu.domain.plan import MemoryEstimate
from bongsu.domain.workload import WorkKind, Workload
from bongsu.planner.model_shape import ModelShape

# Resident size of a worker with Ray, torch and transformers loaded, before any model is.
RUNTIME_BYTES = 900_000_000
_TRAINING = (WorkKind.TRAIN_FULL, WorkKind.TRAIN_LORA, WorkKind.DISTILL)
_STREAMED = (WorkKind.PRUNE_STREAMED, WorkKind.QUANTIZE_STREAMED)


def estimate_memory(shape: ModelShape, work: Workload, workers: int) -> MemoryEstimate:
    """Bytes that one worker needs at its peak.

    Args:
        shape: the model.
        work: what is done to it; ``work.sharded`` splits weights, gradients and optimizer over the workers.
        workers: size of the gang.
    """
    if work.kind is WorkKind.LIGHT:
        return MemoryEstimate(runtime=RUNTIME_BYTES)
    if work.kind in _STREAMED:
        return _streamed(shape, work)
    split = workers if work.sharded else 1
    trained = int(shape.total * work.trainable_fraction) if work.kind in _TRAINING else 0
    adapter = trained if work.kind is WorkKind.TRAIN_LORA else 0
    weights = int((shape.total + adapter) * work.weight_bytes) // split
    # A sharded model gathers one layer at a time in full.
    gathered = int(shape.largest_layer * work.weight_bytes) if split > 1 else 0
    return MemoryEstimate(
        weights=weights + gathered,
        gradients=int(trained * work.weight_bytes) // split,
        optimizer=int(trained * work.optimizer_bytes) // split,
        activations=activations(shape, work),
        teacher=int(shape.total * work.weight_bytes) // split if work.kind is WorkKind.DISTILL else 0,
        workspace=_logits(shape, work),
        runtime=RUNTIME_BYTES,
    )


def activations(shape: ModelShape, work: Workload) -> int:
    """Bytes of activations of one micro-batch; those kept for the backward pass, if there is one."""
    tokens = work.micro_batch * work.sequence_length
    attention = shape.heads * shape.head_width
    passed = shape.expert_width * (shape.experts_per_token + 1) if shape.experts else shape.intermediate
    dense_share = (shape.layers - shape.sparse_layers) / max(1, shape.layers)
    feed_forward = int(dense_share * shape.intermediate + (1 - dense_share) * passed)
    # Per token and layer: residuals and norms (6 h), query, key, value and their output (4 a), the scores of
    # attention over the sequence where they are materialised, and gate, up, their product and output (4 f + h).
    routed_copies = 2 * shape.hidden * shape.experts_per_token
    per_token = 6 * shape.hidden + 4 * attention + 4 * feed_forward + shape.hidden + routed_copies
    scores = 2 * shape.heads * work.sequence_length
    width = max(work.weight_bytes, 2)
    one_layer = int(tokens * (per_token + scores) * width)
    if work.kind not in _TRAINING:
        return one_layer
    if work.checkpoint_activations:
        return one_layer + int(shape.layers * tokens * shape.hidden * width)
    return one_layer * shape.layers


def _logits(shape: ModelShape, work: Workload) -> int:
    """Logits, their softmax and its gradient in fp32; a distillation has the teacher's too."""
    tokens = work.micro_batch * work.sequence_length
    copies = {WorkKind.DISTILL: 6, WorkKind.INFERENCE: 2}.get(work.kind, 4)
    return copies * 4 * tokens * shape.vocabulary


def _streamed(shape: ModelShape, work: Workload) -> MemoryEstimate:
    """One decoder layer at a time; hidden states of the calibration sequences are kept between layers."""
    kept = int(work.tokens * shape.hidden * work.weight_bytes)
    largest = shape.largest_layer
    # While a layer's fused expert tensors are filled from per-expert entries, one entry exists twice.
    weights = int(largest * work.weight_bytes + 3 * shape.hidden * max(shape.expert_width, shape.intermediate) * 4)
    hessians = 0
    if work.hessians:
        widths = (shape.hidden, shape.expert_width) if shape.experts else (shape.hidden, shape.intermediate)
        count = max(1, shape.experts)
        hessians = 4 * count * sum(width * width for width in widths)
    return MemoryEstimate(
        weights=weights,
        activations=kept + activations(shape, work),
        workspace=hessians,
        runtime=RUNTIME_BYTES,
    )
