"""``docs/memory.md``, computed by the planner: ``python -m bongsu.cli.memory_page > docs/memory.md``."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bongsu.domain.resources import Resources
from bongsu.domain.workload import WorkKind, Workload
from bongsu.planner.accelerators import ACCELERATORS
from bongsu.planner.config_shapes import shape_of
from bongsu.planner.feasibility import USABLE
from bongsu.planner.memory import estimate_memory
from bongsu.planner.model_shape import ModelShape
from bongsu.planner.published import PUBLISHED

SHOWN = ("H100-80GB", "H200-141GB", "B200-180GB")
GANGS = tuple(8 * 2**n for n in range(10))
WORK = {
    "continued pretraining, bf16 weights, AdamW in fp32 (FSDP)": Workload(
        kind=WorkKind.TRAIN_FULL, micro_batch=1, sequence_length=4096, weight_bytes=2, optimizer_bytes=12,
        sharded=True, checkpoint_activations=True,
    ),
    "distillation from the unpruned model (FSDP)": Workload(
        kind=WorkKind.DISTILL, micro_batch=1, sequence_length=4096, weight_bytes=2, optimizer_bytes=12,
        sharded=True, checkpoint_activations=True,
    ),
    "LoRA, rank 16 (base in bf16, FSDP)": Workload(
        kind=WorkKind.TRAIN_LORA, micro_batch=1, sequence_length=4096, weight_bytes=2, adapter_rank=16,
        optimizer_bytes=8, sharded=True, checkpoint_activations=True,
    ),
}  # fmt: skip
EVALUATION = Workload(kind=WorkKind.INFERENCE, micro_batch=1, sequence_length=4096, weight_bytes=2)
MOST_GPUS = 16
STREAMED = {
    "expert pruning, streamed, 512 sequences of 2,048": Workload(
        kind=WorkKind.PRUNE_STREAMED, micro_batch=4, sequence_length=2048, tokens=512 * 2048, weight_bytes=2
    ),
    "W4A16 by rounding, streamed": Workload(kind=WorkKind.QUANTIZE_STREAMED, weight_bytes=4),
    "W4A16 by GPTQ, streamed, 512 sequences of 2,048": Workload(
        kind=WorkKind.QUANTIZE_STREAMED, micro_batch=4, sequence_length=2048, tokens=512 * 2048, weight_bytes=2,
        hessians=True,
    ),
}  # fmt: skip
HEAD = """# Memory of A.X K1 and A.X K2

Computed by the planner from the published configurations, with the same functions that `bongsu plan` uses; this
page is the output of `python -m bongsu.cli.memory_page`, and a test compares the two. Weights, gradients and
optimizer follow ZeRO's accounting, activations are counted tensor by tensor
(`platform/bongsu/planner/activations.py`). Parameter counts equal those of transformers' classes on the meta device
to the last parameter. Parts are added although they do not all peak at once, so figures lie above what is needed.

What is measured, and how: `tests/integration/planner/test_memory_of_stages.py` runs the real stages (pruning,
quantisation by rounding, GPTQ and to FP8, LoRA, distillation) on small mixtures of experts on a CPU, each in a
process of its own that has imported everything, and compares the resident peak beyond that (`VmHWM`) with the plan:
it has to lie between 1.0 and 1.8 times of it. `test_memory_against_peaks.py` does the same with loops of full
training and inference, dense models among them. In both the C library gives large blocks back at once; otherwise a
process keeps more, by the order of frees. What a sharded worker holds while a model is loaded, drawn and written is
measured in `tests/integration/train/test_models_that_workers_share.py` (91 million parameters, two workers);
[ADR 10](adr/0010-models-larger-than-a-worker.md) says how. Not measured: GPUs, steps of sharded
training, larger models.

A worker that is used again returns what its last stage let go of; 16 MB or less stayed in these tests. The plan's
1.3 GB of runtime are Ray, torch and transformers with all that any stage imports.
"""


def render() -> str:
    """The whole page."""
    return HEAD + "".join(_model(name, shape) for name, config in PUBLISHED.items() if (shape := shape_of(config)))


def _model(name: str, shape: ModelShape) -> str:
    rows = "".join(
        f"| {part.replace('_', ' ')} | {count / 1e9:,.2f} B |\n" for part, count in shape.components.items()
    )
    sizes = "".join(f"| {what} | {size / 1e9:,.0f} GB |\n" for what, size in _sizes(shape).items())
    return f"""
## {name}

{shape.total / 1e9:,.2f} billion parameters, {shape.active / 1e9:,.2f} billion active for each token; \
{shape.routed_experts / shape.total * 100:.1f}% of them in routed experts.

| component | parameters |
| --- | ---: |
{rows}
| weights on disk | size |
| --- | ---: |
{sizes}
Workers of one GPU each, sequences of 4,096 tokens, one sequence a worker: the smallest power of two (from 8) that
fits, and what one worker then needs.

| stage | {" | ".join(SHOWN)} |
| --- | {" | ".join("---:" for _ in SHOWN)} |
{"".join(_gang_rows(shape))}
One worker, its layers spread over its GPUs; what fits on none of them comes from memory or disk:

| stage | {" | ".join(SHOWN)} |
| --- | {" | ".join("---:" for _ in SHOWN)} |
| evaluation in bf16 | {" | ".join(_gpus_for(shape, name) for name in SHOWN)} |

One worker, one layer at a time:

| stage | memory of the worker |
| --- | ---: |
{"".join(_streamed_rows(shape))}"""


def _sizes(shape: ModelShape) -> dict[str, float]:
    rest = shape.total - shape.routed_experts
    return {
        "bf16": 2.0 * shape.total,
        "FP8": 1.0 * shape.total,
        "experts in int4 (groups of 128), the rest bf16": shape.routed_experts * (0.5 + 2 / 128) + 2.0 * rest,
        "half of the experts pruned, those left in int4, the rest bf16": shape.routed_experts / 2 * (0.5 + 2 / 128)
        + 2.0 * rest,
    }


def _gang_rows(shape: ModelShape) -> Iterator[str]:
    for title, work in WORK.items():
        cells = " | ".join(_smallest(shape, work, name) for name in SHOWN)
        yield f"| {title} | {cells} |\n"


def _smallest(shape: ModelShape, work: Workload, accelerator: str) -> str:
    room = ACCELERATORS[accelerator].memory * USABLE
    for workers in GANGS:
        resources = Resources(workers=workers, gpus_per_worker=1, accelerator=accelerator)
        estimate = estimate_memory(shape, work, resources)
        needed = estimate.total - estimate.runtime
        if needed <= room:
            return f"{workers} × ({needed / 1e9:,.0f} GB)"
    return "does not fit"


def _gpus_for(shape: ModelShape, accelerator: str) -> str:
    estimate = estimate_memory(shape, EVALUATION, Resources(workers=1, gpus_per_worker=1, accelerator=accelerator))
    needed = estimate.total - estimate.runtime
    gpus = math.ceil(needed / (ACCELERATORS[accelerator].memory * USABLE))
    return f"{gpus} × ({needed / 1e9:,.0f} GB in all)" if gpus <= MOST_GPUS else "more than 16 GPUs"


def _streamed_rows(shape: ModelShape) -> Iterator[str]:
    for title, work in STREAMED.items():
        needed = estimate_memory(shape, work, Resources(workers=1)).total
        yield f"| {title} | {needed / 1e9:,.0f} GB |\n"


if __name__ == "__main__":
    print(render(), end="")
