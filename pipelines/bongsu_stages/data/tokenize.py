"""``data.tokenize``: documents become packed token sequences with a train and a held-out part."""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field

from bongsu.artifacts.writing import write_bytes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.ports import Documents, Model, Tokens
from bongsu.domain.stages import Params
from bongsu_stages.runtime.context import StageContext, StageOutputs
from bongsu_stages.runtime.stage import StageError, no_titles, stage


class TokenizeParams(Params):
    """Parameters of ``data.tokenize``."""

    sequence_length: int = Field(default=512, ge=8, le=2**20, description="Tokens in one sequence")
    heldout_fraction: float = Field(
        default=0.1, ge=0, le=0.5, description="Share of the text that is held out for evaluation"
    )
    heldout_characters: int = Field(
        default=10_000_000,
        ge=0,
        description="Never hold out more characters than this, even if that leaves nothing: a passage goes as a whole",
    )
    seed: int = Field(default=0, ge=0, lt=2**31, description="Seed of the choice of held-out passages")
    min_tokens: int = Field(default=8, ge=1, description="Leave out stretches of text shorter than this")
    passage_characters: int = Field(
        default=1000, ge=50, description="Length of the passages that are held out as a whole"
    )
    max_overlap: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Drop a held-out passage when training text contains this share of it",
    )


@stage(
    "data.tokenize",
    params=TokenizeParams,
    inputs={
        "documents": Documents("Curated text"),
        "tokenizer": Model("The model whose tokenizer is used; its weights are not read"),
    },
    outputs={"tokens": Tokens("Packed sequences, train and held-out")},
    packed_length=lambda params: params.sequence_length,
    titles=no_titles,
)
def tokenize(ctx: StageContext, params: TokenizeParams) -> StageOutputs:
    """Tokenize documents, pack them into sequences and hold a part out without leaking near duplicates.

    Passages that are near duplicates of each other go to the same side; a held-out passage of which training
    text contains a large part is dropped and counted. Same input, same bytes.
    """
    from bongsu_stages.data.heldout import Side, Wanted
    from bongsu_stages.data.packing import Packer, pack
    from bongsu_stages.data.splitting import Passages, split
    from bongsu_stages.data.vocabulary import read_vocabulary

    vocabulary = read_vocabulary(ctx.input("tokenizer"))
    text = Passages(ctx.input("documents"), ctx.scratch, params.passage_characters)
    ctx.phase(N_("split"))
    wanted = Wanted(params.heldout_fraction, params.heldout_characters, params.seed)
    sides, counts = split(ctx, text, wanted, params.max_overlap)
    ctx.phase(N_("tokenize"))
    dtype = "uint16" if vocabulary.size <= 2**16 else "uint32"
    writer = ctx.output("tokens")
    packers = {
        side: Packer(writer, side.name.lower(), params.sequence_length, dtype)
        for side in (Side.TRAIN, Side.HELDOUT)
    }
    for done, counts["short"] in pack(text.segments(sides), vocabulary, packers, params.min_tokens):
        ctx.progress(done)
    splits = {side.name.lower(): packer.card() for side, packer in packers.items()}
    if not splits["train"]["sequences"]:
        raise StageError(
            phrase(N_("The documents do not fill one sequence of {length} tokens."), length=params.sequence_length),
            N_("Give more text or a smaller sequenceLength."),
        )
    card = {
        "sequenceLength": params.sequence_length,
        "vocabSize": vocabulary.size,
        "dtype": dtype,
        "tokenizerDigest": vocabulary.digest,
        "eosTokenId": vocabulary.eos,
        "splits": splits,
        "documents": counts,
    }
    write_bytes(writer, "tokens.json", json.dumps(card, indent=2).encode() + b"\n")
    return StageOutputs(metrics=_metrics(splits, counts))


def _metrics(splits: dict[str, Any], counts: dict[str, int]) -> dict[str, float]:
    found = {f"{name}.tokens": float(split["tokens"]) for name, split in splits.items()}
    return {**found, "documents": float(counts["read"]), "leakingPassages": float(counts["leakingPassages"])}
