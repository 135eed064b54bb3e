"""``evaluate.speed``: how fast models read and write on this worker."""

from __future__ import annotations

from pydantic import Field

from bongsu.domain.ports import Evaluation, Model
from bongsu.domain.stages import Params
from bongsu.domain.workload import WorkKind, Workload
from bongsu_stages.runtime.context import StageContext, StageOutputs
from bongsu_stages.runtime.stage import stage

READING, WRITING = "speed.tokensPerSecond", "speed.decodeTokensPerSecond"


class SpeedParams(Params):
    """Parameters of ``evaluate.speed``."""

    prompt_tokens: int = Field(default=128, ge=1, description="Tokens of the prompt")
    new_tokens: int = Field(default=32, ge=1, description="Tokens to generate")
    batch: int = Field(default=8, ge=1, description="Sequences at once")
    repeats: int = Field(default=5, ge=1, le=100, description="Measurements; their median counts")
    seed: int = Field(default=0, ge=0, description="Seed of the random prompt")


def _workload(params: SpeedParams, _length: int) -> Workload:
    return Workload(
        kind=WorkKind.INFERENCE, micro_batch=params.batch, sequence_length=params.prompt_tokens + params.new_tokens
    )


@stage(
    "evaluate.speed",
    params=SpeedParams,
    inputs={"models": Model("Models to measure, one after another", many=True)},
    outputs={"evaluation": Evaluation("Tokens per second of reading and writing, of each model")},
    workload=_workload,
    measures=lambda _params: frozenset({READING, WRITING}),
)
def speed(ctx: StageContext, params: SpeedParams) -> StageOutputs:
    """Measure how many tokens per second models read (prefill) and write (greedy decoding) here."""
    from bongsu_stages.evaluate.result import entry_of, summary, write_evaluation
    from bongsu_stages.evaluate.timing import machine, measure
    from bongsu_stages.models.loading import loaded

    models = ctx.inputs("models")
    entries = []
    for number, model in enumerate(models):
        ctx.phase(f"measuring {model.title}")
        with loaded(ctx, model.reader) as weights:
            metrics = measure(weights, params)
        entries.append(entry_of(model, metrics, {}))
        ctx.progress(number + 1, len(models), **metrics)
    write_evaluation(ctx.output("evaluation"), "speed", entries, {**machine(), **params.model_dump(by_alias=True)})
    return StageOutputs(metrics=summary(entries), notes={"device": machine()["device"]})
