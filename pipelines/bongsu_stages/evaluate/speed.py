"""``evaluate.speed``: how fast models read and write on this worker."""

from __future__ import annotations

from statistics import median

from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.ports import Evaluation, Model
from bongsu.domain.workload import WorkKind, Workload
from bongsu_stages.evaluate.speed_params import READING, WRITING, SpeedParams
from bongsu_stages.runtime.context import StageContext, StageOutputs
from bongsu_stages.runtime.stage import stage

_STEADY = 1.5


def _workload(params: SpeedParams, _length: int) -> Workload:
    length = params.prompt_tokens + params.new_tokens
    return Workload(
        kind=WorkKind.INFERENCE,
        micro_batch=params.batch,
        sequence_length=length,
        # Each pass has a warm-up beside its measurements.
        tokens=params.passes * (params.repeats + 1) * params.batch * length,
    )


@stage(
    "evaluate.speed",
    params=SpeedParams,
    inputs={"models": Model("Models to measure, one after another", many=True)},
    outputs={
        "evaluation": Evaluation("Tokens per second of reading and writing, of each model, with 95% intervals")
    },
    workload=_workload,
    measures=lambda _params: frozenset({READING, WRITING}),
    measures_machine=True,
)
def speed(ctx: StageContext, params: SpeedParams) -> StageOutputs:
    """Measure how many tokens per second models read (prefill) and write (greedy decoding) here.

    It goes through all models more than once, so that other work of the machine falls on all of them.
    """
    from bongsu_stages.evaluate.intervals import median_interval
    from bongsu_stages.evaluate.result import entry_of, summary, write_evaluation
    from bongsu_stages.evaluate.timing import machine, measure
    from bongsu_stages.models.loading import loaded

    models = ctx.inputs("models")
    samples: list[dict[str, list[float]]] = [{READING: [], WRITING: []} for _ in models]
    for number in range(params.passes):
        for index, (model, found) in enumerate(zip(models, samples, strict=True)):
            ctx.phase(phrase(N_("measuring {title}"), title=model.title))
            with loaded(ctx, model.reader) as weights:
                for name, values in measure(weights, params).items():
                    found[name] += values
            figures = {name: median(values) for name, values in found.items()}
            ctx.progress(number * len(models) + index + 1, params.passes * len(models), **figures)
    entries = []
    for model, found in zip(models, samples, strict=True):
        intervals = {name: interval for name, values in found.items() if (interval := median_interval(values))}
        entries.append(entry_of(model, {name: median(values) for name, values in found.items()}, intervals))
    write_evaluation(ctx.output("evaluation"), "speed", entries, {**machine(), **params.model_dump(by_alias=True)})
    notes = {"device": machine()["device"]}
    unsteady = [model.title for model, found in zip(models, samples, strict=True) if _is_unsteady(found[READING])]
    if unsteady:
        notes["unsteady"] = f"{', '.join(unsteady)}: the machine had other work, or too few cores"
    return StageOutputs(metrics=summary(entries), notes=notes)


def _is_unsteady(values: list[float]) -> bool:
    return max(values) > _STEADY * min(values)
