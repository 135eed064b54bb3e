"""Small real inputs for tests and benchmarks of training: a tokenizer, tokens trees, A.X models, a stage context."""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bongsu.artifacts.local import LocalStore
from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.attempt import AttemptSpec
from bongsu.domain.events import StageEvent
from bongsu.domain.ids import AttemptId, Digest, RunId, StageId
from bongsu.domain.labels import Label
from bongsu.domain.resources import Resources
from bongsu_stages.runtime.context import StageContext
from bongsu_stages.train.shape import ModelShape

VOCABULARY = 300
SHAPE = ModelShape(
    hidden_size=32,
    layers=3,
    intermediate_size=64,
    expert_size=32,
    experts=8,
    expert_groups=2,
    groups_per_token=1,
    heads=2,
    key_value_rank=16,
    query_rank=16,
    positions=128,
)
DENSE = {
    "hidden_size": 96,
    "intermediate_size": 160,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "vocab_size": VOCABULARY,
}
"""Sizes of a dense decoder, whatever its class."""


def commit(store: LocalStore, key: str, directory: Path) -> Digest:
    writer = store.writer(f"inputs/{key}")
    writer.add_tree(directory)
    return writer.commit().digest


def write_tokenizer(directory: Path) -> None:
    """A byte-level BPE tokenizer of VOCABULARY tokens, trained on a few Korean sentences."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<eos>", "<pad>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(
        ["대한민국의 주권은 국민에게 있고", "모든 권력은 국민으로부터 나온다."] * 20, trainer
    )
    directory.mkdir(parents=True, exist_ok=True)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>", pad_token="<pad>").save_pretrained(
        directory
    )


def write_tokens(directory: Path, tokenizer: Path, *, length: int = 32, rows: int = 64, seed: int = 0) -> None:
    """Sequences with something to learn: each token foretells the next, but for a little noise."""
    directory.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    follows = random.permutation(VOCABULARY - 2) + 2
    ids = np.empty((rows + 8, length), dtype=np.uint16)
    ids[:, 0] = random.integers(2, VOCABULARY, rows + 8)
    for column in range(1, length):
        noise = random.random(rows + 8) < 0.05
        ids[:, column] = np.where(noise, random.integers(2, VOCABULARY, rows + 8), follows[ids[:, column - 1] - 2])
    np.save(directory / "train-00000.npy", ids[: rows // 2])
    np.save(directory / "train-00001.npy", ids[rows // 2 : rows])
    np.save(directory / "heldout-00000.npy", ids[rows:])
    digest = hashlib.sha256((tokenizer / "tokenizer.json").read_bytes()).hexdigest()
    card = {
        "sequenceLength": length,
        "vocabSize": VOCABULARY,
        "dtype": "uint16",
        "tokenizerDigest": digest,
        "splits": {
            "train": {
                "sequences": rows,
                "tokens": rows * length,
                "files": ["train-00000.npy", "train-00001.npy"],
            },
            "heldout": {"sequences": 8, "tokens": 8 * length, "files": ["heldout-00000.npy"]},
        },
        "documents": {"train": 1, "heldout": 1},
    }
    (directory / "tokens.json").write_text(json.dumps(card))


def write_model(directory: Path, tokenizer: Path, shape: ModelShape = SHAPE, seed: int = 0) -> None:
    """An A.X model with random weights, in bf16."""
    import torch

    from bongsu_stages.models.loading import model_class
    from bongsu_stages.models.saving import Origin, save_model

    config = shape.config(VOCABULARY, {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 1})
    torch.manual_seed(seed)
    cls = model_class(config)
    save_model(cls(cls.config_class.from_dict(config)), Origin(config, tokenizer), directory)


_CONTEXTS = itertools.count(1)


def context(
    store: LocalStore,
    scratch: Path,
    uses: str,
    inputs: dict[str, Sequence[tuple[ArtifactType, Digest]]],
    *,
    attempt: int = 1,
    workers: int = 1,
    emit: Callable[[StageEvent], None] | None = None,
    **more: Any,
) -> StageContext:
    """A context as the worker makes it, over a real store."""
    # Nobody commits or aborts what a stage that is called by itself writes: each has a place of its own.
    stage_id = StageId(f"adapt-{next(_CONTEXTS)}")
    spec = AttemptSpec(
        id=AttemptId(run_id=RunId("r-000000000000"), stage_id=stage_id, number=attempt),
        uses=uses,
        code=Digest(""),
        params={},
        inputs={
            port: tuple(ArtifactRef(digest=digest, type=kind) for kind, digest in refs)
            for port, refs in inputs.items()
        },
        input_titles={
            port: tuple(f"{port}-{index}" for index in range(len(refs))) for port, refs in inputs.items()
        },
        outputs={"model": ArtifactType.MODEL},
        label=Label(),
        resources=Resources(workers=workers, cpus_per_worker=1),
        artifact_store=store.uri,
        checkpoint_key="r-000000000000/adapt",
        **more,
    )
    scratch.mkdir(parents=True, exist_ok=True)
    return StageContext(spec, store, scratch, emit or (lambda event: None), time.time)
