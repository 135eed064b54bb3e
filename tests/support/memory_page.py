"""``docs/memory.md``, computed by the planner: ``python tests/support/memory_page.py > docs/memory.md``."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from published_models import PUBLISHED

from bongsu.domain.plan import MemoryEstimate
from bongsu.domain.resources import Resources
from bongsu.planner.accelerators import ACCELERATORS
from bongsu.planner.config_shapes import shape_of
from bongsu.planner.feasibility import USABLE
from bongsu.planner.memory import estimate_memory
from bongsu.planner.model_shape import ModelShape
from bongsu_stages.runtime.catalogue import load_stage

SHOWN = ("H100-80GB", "H200-141GB", "B200-180GB")
GANGS = tuple(8 * 2**n for n in range(10))
MOST_GPUS = 16


@dataclass(frozen=True)
class Task:
    """An installed stage with its parameters, on sequences of ``length`` tokens.

    Attributes:
        prunes: it works on a model with half of the experts, and learns from the whole one.
    """

    uses: str
    params: dict[str, Any]
    length: int
    prunes: bool = False

    def needs(self, config: dict[str, Any], **resources: Any) -> MemoryEstimate:
        """Of one worker, on the model of ``config``."""
        signature = load_stage(self.uses).signature
        work = signature.workload(signature.params.model_validate(self.params), self.length)
        whole = _shape(config)
        shape = _shape(_half(config)) if self.prunes else whole
        return estimate_memory(shape, work, Resources(**resources), whole)


FSDP = {"steps": 1, "learningRate": 1e-4, "microBatch": 1, "parallel": "shard", "recomputeActivations": True}
LORA = {**FSDP, "sequenceLength": 4096, "lora": {"rank": 16}}
CALIBRATED = {"calibrationSequences": 512, "microBatch": 4}
HALF = {"keepFraction": 0.5, **CALIBRATED}
WORK = {
    "continued pretraining, fp32 weights and AdamW (FSDP)": Task("train.continue", FSDP, 4096),
    "distillation of half of its experts from the whole model (FSDP)": Task("compress.distill", FSDP, 4096, True),
    "LoRA, rank 16 (base in bf16, FSDP)": Task("train.finetune", LORA, 4096),
}
EVALUATION = Task("evaluate.perplexity", {"microBatch": 1}, 4096)
STREAMED = {
    "expert pruning, 512 sequences of 2,048": Task("compress.expert-prune", HALF, 2048),
    "W4A16 by rounding": Task("compress.quantize", {}, 2048),
    "W4A16 by GPTQ, 512 sequences of 2,048": Task("compress.quantize", {"method": "gptq", **CALIBRATED}, 2048),
}
HEAD = """# Memory of A.X K1 and A.X K2

Computed by the planner from the published configurations and from what the installed stages state of their work, as
`bongsu plan` does; this page is the output of `python tests/support/memory_page.py`, and a test compares the two.
Weights, gradients and optimizer follow ZeRO's accounting, activations are counted tensor by tensor
(`platform/bongsu/planner/activations.py`). Parameter counts equal those of transformers' classes on the meta device
to the last parameter. Parts are added although they do not all peak at once, so figures lie above what is needed.

What is measured, and how: `tests/integration/planner/test_memory_of_stages.py` runs the real stages (pruning,
quantisation by rounding, GPTQ and to FP8, LoRA, distillation) on small mixtures of experts on a CPU, each in a
process of its own that has imported everything, and compares the resident peak beyond that (`VmHWM`) with the plan:
it has to lie between 1.0 and 1.8 times of it. `test_memory_against_peaks.py` does the same with loops of full
training and inference, dense models among them. In both the C library gives large blocks back at once; otherwise a
process keeps more, by the order of frees: 150 to 270 MB more in these tests, which the runtime's 1.3 GB have room
for. Training on a CPU keeps freed pages on purpose (`keep_pages`), with the same peaks within 3%. What a sharded
worker holds while a model is loaded, drawn and written is
measured in `tests/integration/train/test_models_that_workers_share.py` (91 million parameters, two workers);
[ADR 10](adr/0010-models-larger-than-a-worker.md) says how. Not measured: GPUs, steps of sharded
training, larger models.

A worker that is used again returns what its last stage let go of; 16 MB or less stayed in these tests. Where the C
library keeps more (blocks that lie between others), the recorded peak of a stage has what stages before it left. The
plan's 1.3 GB of runtime are Ray, torch and transformers with all that any stage imports.
"""


def render() -> str:
    """The whole page."""
    return HEAD + "".join(_model(name, config) for name, config in PUBLISHED.items())


def _shape(config: dict[str, Any]) -> ModelShape:
    shape = shape_of(config)
    assert shape is not None
    return shape


def _half(config: dict[str, Any]) -> dict[str, Any]:
    signature = load_stage("compress.expert-prune").signature
    return dict(signature.model_effect(signature.params.model_validate(HALF), config))


def _model(name: str, config: dict[str, Any]) -> str:
    shape = _shape(config)
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
Workers of one GPU each (`parallel: shard`, `recomputeActivations: true`), sequences of 4,096 tokens, one sequence a
worker: the smallest power of two (from 8) that fits, and what one worker then needs.

| stage | {" | ".join(SHOWN)} |
| --- | {" | ".join("---:" for _ in SHOWN)} |
{"".join(_gang_rows(config))}
One worker, its layers spread over its GPUs; what fits on none of them comes from memory or disk:

| stage | {" | ".join(SHOWN)} |
| --- | {" | ".join("---:" for _ in SHOWN)} |
| evaluation in bf16 | {" | ".join(_gpus_for(config, name) for name in SHOWN)} |

One worker, one layer at a time. With a GPU, that holds the layer which computes and one batch; the layer is built and
hidden states lie in main memory:

| stage | without a GPU | GPU | main memory with a GPU |
| --- | ---: | ---: | ---: |
{"".join(_streamed_rows(config))}"""


def _sizes(shape: ModelShape) -> dict[str, float]:
    rest = shape.total - shape.routed_experts
    return {
        "bf16": 2.0 * shape.total,
        "FP8": 1.0 * shape.total,
        "experts in int4 (groups of 128), the rest bf16": shape.routed_experts * (0.5 + 2 / 128) + 2.0 * rest,
        "half of the experts pruned, those left in int4, the rest bf16": shape.routed_experts / 2 * (0.5 + 2 / 128)
        + 2.0 * rest,
    }


def _gang_rows(config: dict[str, Any]) -> Iterator[str]:
    for title, task in WORK.items():
        cells = " | ".join(_smallest(config, task, name) for name in SHOWN)
        yield f"| {title} | {cells} |\n"


def _smallest(config: dict[str, Any], task: Task, accelerator: str) -> str:
    room = ACCELERATORS[accelerator].memory * USABLE
    for workers in GANGS:
        needed = _on_gpu(task.needs(config, workers=workers, gpus_per_worker=1, accelerator=accelerator))
        if needed <= room:
            return f"{workers} × ({_gb(needed)})"
    return "does not fit"


def _gpus_for(config: dict[str, Any], accelerator: str) -> str:
    needed = _on_gpu(EVALUATION.needs(config, gpus_per_worker=1, accelerator=accelerator))
    gpus = math.ceil(needed / (ACCELERATORS[accelerator].memory * USABLE))
    return f"{gpus} × ({_gb(needed)} in all)" if gpus <= MOST_GPUS else "more than 16 GPUs"


def _streamed_rows(config: dict[str, Any]) -> Iterator[str]:
    for title, task in STREAMED.items():
        without, with_gpu = task.needs(config), task.needs(config, gpus_per_worker=1)
        on_gpu = _on_gpu(with_gpu)
        cells = (_gb(without.total), _gb(on_gpu) if on_gpu else "–", _gb(with_gpu.runtime + with_gpu.host))
        yield f"| {title} | {' | '.join(cells)} |\n"


def _on_gpu(estimate: MemoryEstimate) -> int:
    return estimate.total - estimate.runtime


def _gb(size: int) -> str:
    return f"{size / 1e9:,.0f} GB"


if __name__ == "__main__":
    print(render(), end="")
