"""``train.pretrain``: train a new model from random weights."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.ports import Files, Model, Tokens
from bongsu_stages.runtime.context import StageContext, StageOutputs
from bongsu_stages.runtime.stage import StageError, stage
from bongsu_stages.train.params import INCIDENTAL, TokenTrainingParams, against_mixing, token_titles
from bongsu_stages.train.shape import ModelShape
from bongsu_stages.train.workload import full_training

UNKNOWN_VOCABULARY = 163840
"""Rows of the embedding that a plan assumes where only the tokenizer knows: those of the published models."""


class PretrainParams(TokenTrainingParams):
    """Parameters of ``train.pretrain``."""

    shape: ModelShape = Field(default=ModelShape(), description="Architecture and dimensions of the new model")


def _new_config(params: PretrainParams, tokenizer: dict[str, Any]) -> dict[str, Any]:
    return params.shape.config(tokenizer.get("vocab_size") or UNKNOWN_VOCABULARY, {})


@stage(
    "train.pretrain",
    params=PretrainParams,
    inputs={
        "tokenizer": Files("A tree with tokenizer.json: what data.train-tokenizer made, or a model"),
        "tokens": Tokens("Packed text, one or more domains to mix", many=True),
    },
    outputs={"model": Model("The new model, in bf16")},
    workload=full_training,
    check=against_mixing,
    distributed=True,
    incidental=INCIDENTAL,
    titles=token_titles,
    model_effect=_new_config,
)
def pretrain(ctx: StageContext, params: PretrainParams) -> StageOutputs:
    """Train a new A.X model from random weights on one or more tokens inputs.

    Router biases are balanced without an auxiliary loss. The stage resumes from its last checkpoint.
    """
    from bongsu_stages.models.loading import load_tokenizer
    from bongsu_stages.train.launch import train
    from bongsu_stages.train.packed import PackedRecipe, check_inputs, named_tokens

    tokenizer = load_tokenizer(ctx.input("tokenizer"))
    special = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    config = params.shape.config(len(tokenizer), special)
    if config["vocab_size"] < len(tokenizer):
        raise StageError(
            phrase(
                N_("The tokenizer has {count} tokens, vocabularySize is {size}."),
                count=len(tokenizer),
                size=config["vocab_size"],
            ),
            N_("Raise vocabularySize, or leave it out."),
        )
    (ref,) = ctx.spec.inputs["tokenizer"]
    recipe = PackedRecipe(params, named_tokens(ctx, params), config, None, ref.digest)
    check_inputs(ctx, recipe)
    return train(ctx, recipe)
