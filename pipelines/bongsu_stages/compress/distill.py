"""``compress.distill``: bring a smaller model back to what the larger one says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.ports import Model, Role, Tokens
from bongsu.domain.stages import Objection, StageFacts
from bongsu.domain.workload import WorkKind, Workload
from bongsu_stages.compress.distill_params import DistillParams
from bongsu_stages.compress.objections import against_distilling
from bongsu_stages.runtime.context import StageContext, StageOutputs
from bongsu_stages.runtime.stage import StageError, stage
from bongsu_stages.train.params import INCIDENTAL, against_mixing, token_titles
from bongsu_stages.train.workload import full_training

if TYPE_CHECKING:
    from bongsu.artifacts.base import TreeReader


def _workload(params: DistillParams, packed: int) -> Workload:
    return full_training(params, packed).model_copy(update={"kind": WorkKind.DISTILL})


def _check(params: DistillParams, facts: StageFacts) -> Iterator[Objection]:
    yield from against_mixing(params, facts)
    yield from against_distilling(params, facts)


@stage(
    "compress.distill",
    params=DistillParams,
    inputs={
        "student": Model("The smaller model, e.g. a pruned one"),
        "teacher": Model("The model whose answers it learns; both have one tokenizer", role=Role.TEACHER),
        "tokens": Tokens("Packed text, one or more domains to mix", many=True),
    },
    outputs={"model": Model("The healed student, in bf16")},
    workload=_workload,
    compresses=True,
    check=_check,
    distributed=True,
    incidental=INCIDENTAL,
    titles=token_titles,
)
def distill(ctx: StageContext, params: DistillParams) -> StageOutputs:
    """Heal a compressed model by distillation: it learns the teacher's distribution over the next token.

    Router biases are balanced, and the stage resumes from its last checkpoint as training does.
    """
    from bongsu_stages.compress.distill_recipe import DistillRecipe
    from bongsu_stages.models.configuration import read_config
    from bongsu_stages.train.launch import train
    from bongsu_stages.train.packed import PackedRecipe, check_inputs, named_tokens

    student, teacher = ctx.input("student"), ctx.input("teacher")
    config, taught = read_config(student), read_config(teacher)
    if config["vocab_size"] != taught["vocab_size"]:
        raise StageError(
            phrase(
                N_("The student knows {size} tokens and the teacher {taught}."),
                size=config["vocab_size"],
                taught=taught["vocab_size"],
            ),
            N_("Distil between models of one tokenizer."),
        )
    if _tokenizer(student) != _tokenizer(teacher):
        raise StageError(
            N_("Student and teacher have different tokenizers."), N_("Distil between models of one tokenizer.")
        )
    (own,), (other,) = ctx.spec.inputs["student"], ctx.spec.inputs["teacher"]
    packed = PackedRecipe(params, named_tokens(ctx, params), config, own.digest, own.digest)
    check_inputs(ctx, packed)
    return train(ctx, DistillRecipe(packed, params, other.digest))


def _tokenizer(tree: TreeReader) -> str | None:
    """Hash of a model tree's ``tokenizer.json``, None without one."""
    return next((entry.sha256 for entry in tree.manifest.files if entry.path == "tokenizer.json"), None)
