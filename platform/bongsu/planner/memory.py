"""Memory of one worker, from a model's shape and what is done to it.

Weights, gradients and optimizer follow ZeRO's accounting (Rajbhandari et al., arXiv 1910.02054), activations are
counted in :mod:`bongsu.planner.activations`. Parts are added up although not all of them are there at the same
moment, so an estimate lies above the peak; ``tests/integration/planner`` holds it to real peaks on a CPU, and
``docs/memory.md`` says how far above.
"""

from __future__ import annotations

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
)
from bongsu.planner.adapter import adapter_parameters
from bongsu.planner.arithmetic import ALLOCATOR, RUNTIME_BYTES, Numbers, numbers_of
from bongsu.planner.host import host_bytes
from bongsu.planner.model_shape import ModelShape
from bongsu.planner.streamed import STREAMED, streamed_memory

# fp32 tensors of a number for each token and entry of the vocabulary that exist at once around the loss.
_LOGIT_COPIES = {WorkKind.DISTILL: 6.0, WorkKind.INFERENCE: 3.0}
_TRAINING_COPIES = 5.0
# FSDP2 holds the layer that computes and the next one, and the gradient of the layer that it is about to split.
_GATHERED_LAYERS = 3
_GATHERED_OF_TEACHER = 2
TRAINING = frozenset({WorkKind.TRAIN_FULL, WorkKind.TRAIN_LORA, WorkKind.DISTILL})


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
    numbers = numbers_of(shape, work, resources)
    if work.kind in STREAMED:
        return streamed_memory(shape, work, numbers, on_gpu=resources.gpus_per_worker > 0)
    split = resources.workers if work.sharded else 1
    trained = _trained(shape, work)
    # LoRA's matrices come on top of the model, in fp32.
    adapter = trained * FP32 if work.kind is WorkKind.TRAIN_LORA else 0
    gradient = FP32 if work.kind is WorkKind.TRAIN_LORA else numbers.weight
    taught = (teacher or shape) if work.kind is WorkKind.DISTILL else None
    # Every worker has all of an adapter, whose gradients are averaged.
    owners = 1 if work.kind is WorkKind.TRAIN_LORA else split
    return MemoryEstimate(
        weights=int(shape.total * numbers.weight) // split + adapter,
        gathered=_gathered(shape, numbers, taught) if split > 1 else 0,
        gradients=int(trained * gradient) // owners,
        optimizer=int(trained * work.optimizer_bytes) // owners,
        activations=_activations(shape, work, numbers.batch),
        teacher=int(taught.total * numbers.batch.width) // split if taught else 0,
        workspace=_loss(shape, work, numbers.batch),
        runtime=RUNTIME_BYTES,
        host=host_bytes(shape, work.kind, resources, numbers, taught, split) if resources.gpus_per_worker else 0,
    )


def _trained(shape: ModelShape, work: Workload) -> int:
    """Parameters with gradients."""
    if work.kind is WorkKind.TRAIN_LORA and work.adapter_rank:
        return adapter_parameters(shape, work.adapter_rank, work.adapts_experts)
    return int(shape.total * work.trainable_fraction) if work.kind in TRAINING else 0


def _gathered(shape: ModelShape, numbers: Numbers, teacher: ModelShape | None) -> int:
    """Sharded workers gather a layer when its turn comes, in the numbers that they hold it in: fp32 of a model that is
    trained, whatever it computes in, and those of its arithmetic of a teacher, which has no gradient.

    The two take turns. The embeddings belong to no layer: a head stays gathered from its forward pass to the end of
    its backward pass, and a teacher's, which has none, for good.
    """
    layers, embeddings = _GATHERED_LAYERS * shape.largest_layer * numbers.weight, shape.embeddings * numbers.weight
    if teacher is not None:
        layers = max(layers, _GATHERED_OF_TEACHER * teacher.largest_layer * numbers.batch.width)
        embeddings += teacher.embeddings * numbers.batch.width
    return int(layers + embeddings)


def _activations(shape: ModelShape, work: Workload, batch: Batch) -> int:
    if work.kind not in TRAINING:
        return int(ALLOCATOR * (largest_layer_bytes(shape, batch) + forward_peak(shape, batch)))
    kept = kept_when_recomputed(shape, batch) if work.checkpoint_activations else kept_for_backward(shape, batch)
    return int(ALLOCATOR * (kept + forward_peak(shape, batch)))


def _loss(shape: ModelShape, work: Workload, batch: Batch) -> int:
    copies = _LOGIT_COPIES.get(work.kind, _TRAINING_COPIES)
    cache = cache_bytes(shape, batch) if work.kind is WorkKind.INFERENCE else 0
    return int(ALLOCATOR * (logit_bytes(shape, batch, copies) + cache))
