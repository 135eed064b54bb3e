"""GPU-hours of a stage before it runs: floating-point operations over what a GPU reaches.

A training step costs 6 operations per active parameter and token, a forward pass 2 (Kaplan et al., arXiv
2001.08361); a distillation adds the teacher's forward pass. A streamed stage is bound by reading and writing weights.
Of a worker's GPUs one computes at a time: training and streaming use no other, and the layers of a model that is spread
over them take turns. The others are held as long.
"""

from __future__ import annotations

from bongsu.domain.resources import Resources
from bongsu.domain.workload import WorkKind, Workload
from bongsu.planner.accelerators import ACCELERATORS, DEFAULT_ACCELERATOR
from bongsu.planner.arithmetic import STORED
from bongsu.planner.model_shape import ModelShape
from bongsu.planner.streamed import STREAMED

# Share of the datasheet's operations that training of mixture-of-experts models reaches; DeepSeek-V3's report
# (arXiv 2412.19437: 2.664M H800-hours for 14.8T tokens at 37B active) works out to about 0.35 of dense bf16.
UTILISATION = 0.30
# Weights through storage for a streamed stage, bytes per second a worker (measured for byte-range pruning here).
STREAM_BYTES_PER_SECOND = 0.5e9
_OPERATIONS = {
    WorkKind.TRAIN_FULL: 6.0,
    WorkKind.TRAIN_LORA: 4.0,
    WorkKind.DISTILL: 6.0,
    WorkKind.INFERENCE: 2.0,
    WorkKind.PRUNE_STREAMED: 2.0,
    WorkKind.QUANTIZE_STREAMED: 2.0,
}


def gpu_hours(shape: ModelShape, work: Workload, resources: Resources, teacher: ModelShape | None = None) -> float:
    """Hours times GPUs; 0 for a stage that asks for no GPU, or for one that nobody knows (the plan is refused then).

    ``teacher`` is the model that a distillation learns from; of the same shape if left out.
    """
    gpus = resources.total_gpus
    if gpus == 0 or work.kind is WorkKind.LIGHT:
        return 0.0
    accelerator = ACCELERATORS.get(resources.accelerator or DEFAULT_ACCELERATOR)
    if accelerator is None:
        return 0.0
    each = _OPERATIONS[work.kind] * shape.active
    if work.kind is WorkKind.DISTILL:
        each += _OPERATIONS[WorkKind.INFERENCE] * (teacher or shape).active
    seconds = each * work.tokens / (accelerator.flops * UTILISATION)
    if work.kind in STREAMED:
        seconds += 2 * shape.total * STORED / (resources.workers * STREAM_BYTES_PER_SECOND)
    return seconds * gpus / 3600
