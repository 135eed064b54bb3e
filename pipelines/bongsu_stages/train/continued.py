"""``train.continue``: go on pretraining a model on more text."""

from __future__ import annotations

from bongsu.domain.ports import Model, Tokens
from bongsu_stages.runtime.context import StageContext, StageOutputs
from bongsu_stages.runtime.stage import stage
from bongsu_stages.train.params import INCIDENTAL, TokenTrainingParams, against_mixing, token_titles
from bongsu_stages.train.workload import full_training


@stage(
    "train.continue",
    params=TokenTrainingParams,
    inputs={
        "model": Model("Where training starts"),
        "tokens": Tokens("Packed text, one or more domains to mix", many=True),
    },
    outputs={"model": Model("The adapted model, in bf16")},
    workload=full_training,
    check=against_mixing,
    distributed=True,
    incidental=INCIDENTAL,
    titles=token_titles,
)
def continued(ctx: StageContext, params: TokenTrainingParams) -> StageOutputs:
    """Continue the pretraining of a model on one or more tokens inputs, mixed by weight.

    Router biases of mixture-of-experts models are balanced without an auxiliary loss. The stage resumes from its
    last checkpoint; on a CPU with the same number of workers the weights are then the same to the last bit.
    """
    from bongsu_stages.models.configuration import read_config
    from bongsu_stages.train.launch import train
    from bongsu_stages.train.packed import PackedRecipe, check_inputs, named_tokens

    model = ctx.input("model")
    (ref,) = ctx.spec.inputs["model"]
    recipe = PackedRecipe(params, named_tokens(ctx, params), read_config(model), ref.digest, ref.digest)
    check_inputs(ctx, recipe)
    return train(ctx, recipe)
