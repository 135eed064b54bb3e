"""``data.train-tokenizer``: a byte-level BPE tokenizer from documents."""

from __future__ import annotations

import json

from pydantic import Field

from bongsu.artifacts.writing import write_bytes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.ports import Documents, Model
from bongsu.domain.stages import Params
from bongsu_stages.data.documents import read_documents
from bongsu_stages.runtime.context import StageContext, StageOutputs
from bongsu_stages.runtime.stage import StageError, no_titles, stage

EOS, PAD = "<eos>", "<pad>"
_SMALLEST = 258  # every byte, and the two special tokens


class TrainTokenizerParams(Params):
    """Parameters of ``data.train-tokenizer``."""

    vocab_size: int = Field(
        default=4096, ge=_SMALLEST, le=2**20, description="Number of tokens, 256 bytes and 2 special ones included"
    )
    min_frequency: int = Field(default=2, ge=1, description="A pair must stand so often to become a token")
    max_length: int = Field(default=131_072, ge=8, description="Longest text, in tokens, that it is meant for")


@stage(
    "data.train-tokenizer",
    params=TrainTokenizerParams,
    inputs={"documents": Documents("Text to learn the tokens from", many=True)},
    outputs={"tokenizer": Model("tokenizer.json and tokenizer_config.json, without weights")},
    model_effect=lambda params, _config: {"vocab_size": params.vocab_size},
    titles=no_titles,
)
def train_tokenizer(ctx: StageContext, params: TrainTokenizerParams) -> StageOutputs:
    """Train a byte-level BPE tokenizer whose first tokens are <eos> (0) and <pad> (1).

    Any text can be written with it, since every byte is a token. Same input, same bytes.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=params.vocab_size,
        min_frequency=params.min_frequency,
        special_tokens=[EOS, PAD],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    texts = (
        document.text for tree in ctx.inputs("documents") for document in read_documents(tree.reader, ctx.scratch)
    )
    tokenizer.train_from_iterator(texts, trainer)
    size = tokenizer.get_vocab_size()
    if size < params.vocab_size:
        raise StageError(
            phrase(
                N_("The documents have only enough text for {size} tokens, not for {wanted}."),
                size=size,
                wanted=params.vocab_size,
            ),
            phrase(N_("Give more text, or set vocabSize to {size} or less."), size=size),
        )
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": EOS,
        "pad_token": PAD,
        "clean_up_tokenization_spaces": False,
        "model_max_length": params.max_length,
    }
    writer = ctx.output("tokenizer")
    write_bytes(writer, "tokenizer.json", tokenizer.to_str(pretty=True).encode())
    write_bytes(writer, "tokenizer_config.json", json.dumps(config, indent=2).encode() + b"\n")
    return StageOutputs(metrics={"vocabSize": float(size)})
