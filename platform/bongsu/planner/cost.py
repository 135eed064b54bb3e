"""GPU-hours of a stage before it runs: floating-point operations over what a GPU reaches.

A training step costs 6 operations per active parameter and token, a forward pass 2 (Kaplan et al., arXiv
2001.08361); a distillation adds the teacher's forward pass. A streamed stage is bound by reading and writing weights,
and a small model by what it takes to start the kernels of its layers: a GPU that computes them at once waits for the
next.
Of a worker's GPUs one computes at a time: training and streaming use no other, and the layers of a model that is spread
over them take turns. The others are held as long. What nobody knows before the stage runs is None and never 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from bongsu.domain.resources import Resources
from bongsu.domain.workload import WorkKind, Workload
from bongsu.planner.accelerators import DEFAULT_ACCELERATOR, accelerator_of
from bongsu.planner.arithmetic import STORED
from bongsu.planner.model_shape import ModelShape
from bongsu.planner.streamed import STREAMED

# Share of the datasheet's operations that training of mixture-of-experts models reaches; DeepSeek-V3's report
# (arXiv 2412.19437: 2.664M H800-hours for 14.8T tokens at 37B active) works out to about 0.35 of dense bf16.
UTILISATION = 0.30
# Weights through storage for a streamed stage, bytes per second a worker (measured for byte-range pruning here).
STREAM_BYTES_PER_SECOND = 0.5e9
# A kernel takes a processor some microseconds to start (5 is usual; NVIDIA's CUDA Best Practices Guide and its notes on
# CUDA graphs), and a decoder layer is ten of them at least: norms, projections, attention, MLP. Seconds a layer.
LAUNCH_SECONDS = 10 * 5e-6
# Forward; a backward pass has two kernels for each of its, and recomputes nothing here.
_PASSES = {WorkKind.TRAIN_FULL: 3, WorkKind.TRAIN_LORA: 3, WorkKind.DISTILL: 3}
_OPERATIONS = {
    WorkKind.TRAIN_FULL: 6.0,
    WorkKind.TRAIN_LORA: 4.0,
    WorkKind.DISTILL: 6.0,
    WorkKind.INFERENCE: 2.0,
    WorkKind.PRUNE_STREAMED: 2.0,
    WorkKind.QUANTIZE_STREAMED: 2.0,
}


def gpu_hours(
    shape: ModelShape, work: Workload, resources: Resources, teacher: ModelShape | None = None
) -> float | None:
    """Hours times GPUs; 0 for a stage that asks for no GPU.

    None where it is not known: the stage does not say how many tokens it processes, or holds GPUs without a model, or
    asks for a GPU that nobody knows (the plan is refused then).

    ``teacher`` is the model that a distillation learns from; of the same shape if left out.
    """
    gpus = resources.total_gpus
    if gpus == 0:
        return 0.0
    accelerator = accelerator_of(resources.accelerator or DEFAULT_ACCELERATOR)
    if accelerator is None or work.kind is WorkKind.LIGHT or work.tokens is None:
        return None
    each = _OPERATIONS[work.kind] * shape.active
    if work.kind is WorkKind.DISTILL:
        each += _OPERATIONS[WorkKind.INFERENCE] * (teacher or shape).active
    layers = _PASSES.get(work.kind, 1) * shape.layers
    if work.kind is WorkKind.DISTILL:
        layers += (teacher or shape).layers
    batches = work.tokens / (work.micro_batch * work.sequence_length)
    seconds = max(each * work.tokens / (accelerator.flops * UTILISATION), batches * layers * LAUNCH_SECONDS)
    if work.kind in STREAMED:
        seconds += 2 * shape.total * STORED / (resources.workers * STREAM_BYTES_PER_SECOND)
    return seconds * gpus / 3600


def gpu_hours_of_all(shapes: Sequence[ModelShape | None], work: Workload, resources: Resources) -> float | None:
    """Of a stage that does the same with several models, one after another; None as of :func:`gpu_hours`, and where a
    model is not known.
    """
    hours = [gpu_hours(shape, work, resources) if shape else None for shape in shapes]
    known = [each for each in hours if each is not None]
    return sum(known) if known and len(known) == len(hours) else None
