"""``train.finetune``: teach a model to answer, from conversations, with a low-rank adapter."""

from __future__ import annotations

from collections.abc import Iterator

from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.ports import Model, Texts
from bongsu.domain.stages import Objection, StageFacts
from bongsu.domain.workload import WorkKind, Workload
from bongsu_stages.runtime.context import StageContext, StageOutputs
from bongsu_stages.runtime.stage import no_titles, stage
from bongsu_stages.train.finetune_params import FinetuneParams
from bongsu_stages.train.params import INCIDENTAL
from bongsu_stages.train.workload import training

# Frozen weights are held in the numbers that are computed in; what auto means depends on the device.
_WEIGHT_BYTES = {"auto": None, "fp32": 4.0, "bf16": 2.0, "fp16": 2.0}


def _workload(params: FinetuneParams, _length: int) -> Workload:
    full = training(params, params.sequence_length)
    return full.model_copy(
        update={
            "kind": WorkKind.TRAIN_LORA,
            "adapter_rank": params.lora.rank,
            "adapts_experts": any("experts" in name for name in params.lora.target_parameters),
            "weight_bytes": _WEIGHT_BYTES[params.precision],
        }
    )


def _check(params: FinetuneParams, _facts: StageFacts) -> Iterator[Objection]:
    if params.balance_rate and not params.lora.merge_at_end:
        yield Objection(
            ("with", "balanceRate"),
            phrase(
                N_("an adapter that is not merged holds no router bias, and what balanceRate makes of it is lost")
            ),
            phrase(N_("Write balanceRate: 0, or lora.mergeAtEnd: true.")),
        )


@stage(
    "train.finetune",
    params=FinetuneParams,
    inputs={
        "model": Model("The base"),
        "examples": Texts('JSON Lines of {"messages": [{"role", "content"}, ...]}', learned=True),
    },
    outputs={"model": Model("The base with the adapter merged into it, in bf16")},
    workload=_workload,
    check=_check,
    distributed=True,
    incidental=INCIDENTAL,
    titles=no_titles,
)
def finetune(ctx: StageContext, params: FinetuneParams) -> StageOutputs:
    """Fine-tune a model on conversations with LoRA; only the assistant's answers are learned.

    Conversations are rendered with the tokenizer's chat template, or one with Korean headings, which goes into
    the output. The stage resumes from its last checkpoint.
    """
    from bongsu_stages.models.configuration import read_config
    from bongsu_stages.train.chat_recipe import ChatRecipe, check_examples
    from bongsu_stages.train.launch import train

    (model,) = ctx.spec.inputs["model"]
    (examples,) = ctx.spec.inputs["examples"]
    recipe = ChatRecipe(params, model.digest, examples.digest, read_config(ctx.input("model")))
    notes = check_examples(recipe, ctx.store)
    outputs = train(ctx, recipe)
    return StageOutputs(metrics=outputs.metrics, notes=notes)
