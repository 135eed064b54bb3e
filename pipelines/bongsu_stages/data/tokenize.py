"""``data.tokenize``: documents become packed token sequences with a train and a held-out part."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import numpy as np
from pydantic import Field

from bongsu.artifacts.base import TreeReader
from bongsu.domain.ports import Documents, Model, Tokens
from bongsu.domain.stages import Params
from bongsu_stages.data.documents import read_documents
from bongsu_stages.data.heldout import Overlap, Side, Sides, Wanted, assign, mark_leaks
from bongsu_stages.data.minhash import BANDS, band_keys, signatures
from bongsu_stages.data.packing import Packer
from bongsu_stages.data.passages import passages
from bongsu_stages.data.shingles import Hashes
from bongsu_stages.data.vocabulary import Vocabulary, read_vocabulary
from bongsu_stages.runtime.context import StageContext, StageOutputs
from bongsu_stages.runtime.stage import StageError, stage

_BATCH = 256


class TokenizeParams(Params):
    """Parameters of ``data.tokenize``."""

    sequence_length: int = Field(default=512, ge=8, le=2**20, description="Tokens in one sequence")
    heldout_fraction: float = Field(
        default=0.1, ge=0, le=0.5, description="Share of the text that is held out for evaluation"
    )
    heldout_characters: int = Field(
        default=10_000_000, ge=0, description="Hold out at most so many characters, however large the corpus"
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
)
def tokenize(ctx: StageContext, params: TokenizeParams) -> StageOutputs:
    """Tokenize documents, pack them into sequences and hold a part out without leaking near duplicates.

    Passages that are near duplicates of each other go to the same side; a held-out passage of which training
    text contains a large part is dropped and counted. Same input, same bytes.
    """
    vocabulary = read_vocabulary(ctx.input("tokenizer"))
    text = Passages(ctx, params.passage_characters)
    ctx.phase("split")
    sides, counts = _split(ctx, params, text)
    ctx.phase("tokenize")
    dtype = "uint16" if vocabulary.size <= 2**16 else "uint32"
    writer = ctx.output("tokens")
    packers = {
        side: Packer(writer, side.name.lower(), params.sequence_length, dtype)
        for side in (Side.TRAIN, Side.HELDOUT)
    }
    counts["short"] = _pack(ctx, params, vocabulary, text.segments(sides), packers)
    for packer in packers.values():
        packer.close()
    splits = {side.name.lower(): packer.card() for side, packer in packers.items()}
    if not splits["train"]["sequences"]:
        raise StageError(
            f"The documents do not fill one sequence of {params.sequence_length} tokens.",
            "Give more text or a smaller sequenceLength.",
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
    with writer.create("tokens.json") as file:
        file.write(json.dumps(card, indent=2).encode() + b"\n")
    return StageOutputs(metrics=_metrics(splits, counts))


class Passages:
    """The documents input, cut into passages; every method reads it once from its start."""

    def __init__(self, ctx: StageContext, characters: int) -> None:
        self._reader: TreeReader = ctx.input("documents")
        self._scratch = ctx.scratch
        self._characters = characters

    def documents(self) -> Iterator[list[str]]:
        """The passages of each document."""
        for document in read_documents(self._reader, self._scratch):
            yield passages(document.text, self._characters)

    def flat(self) -> Iterator[str]:
        for document in self.documents():
            yield from document

    def segments(self, sides: Sides) -> Iterator[tuple[Side, str]]:
        """Longest stretches of each document that lie on one side; leaking passages are left out."""
        index = 0
        for document in self.documents():
            here = sides[index : index + len(document)].tolist()
            index += len(document)
            for side, pairs in groupby(zip(here, document, strict=True), key=lambda pair: pair[0]):
                if side != Side.LEAKING:
                    yield Side(side), "".join(text for _, text in pairs)


def _split(ctx: StageContext, params: TokenizeParams, text: Passages) -> tuple[Sides, dict[str, int]]:
    place = ctx.scratch / "bands.bin"
    documents = 0
    batch: list[str] = []
    contents: list[Hashes] = []
    lengths: list[int] = []
    with place.open("wb") as file:
        for document in text.documents():
            documents += 1
            batch += document
            if len(batch) >= _BATCH:
                contents.append(_sign(batch, file))
                lengths += map(len, batch)
                batch = []
                ctx.progress(documents)
        contents.append(_sign(batch, file))
        lengths += map(len, batch)
    if not lengths:
        raise StageError("The documents input has no text.", "See the card of data.curate for what was dropped.")
    keys: Any = np.memmap(place, dtype=np.uint64, mode="r", shape=(len(lengths), BANDS))
    wanted = Wanted(params.heldout_fraction, params.heldout_characters, params.seed)
    sides, groups = assign(keys, np.concatenate(contents), np.array(lengths, dtype=np.int64), wanted)
    leaking = _drop_leaks(text, sides, params.max_overlap) if sides.any() else 0
    return sides, {
        "read": documents,
        "passages": len(lengths),
        "clusters": groups,
        "heldoutPassages": int((sides == Side.HELDOUT).sum()),
        "leakingPassages": leaking,
    }


def _sign(batch: list[str], file: Any) -> Hashes:
    """Append the band keys of a batch to ``file``; a content hash of each passage."""
    keys = band_keys(signatures(batch))
    keys.tofile(file)
    content: Hashes = keys.sum(axis=1, dtype=np.uint64)
    return content


def _drop_leaks(text: Passages, sides: Sides, limit: float) -> int:
    overlap = Overlap(passage for index, passage in enumerate(text.flat()) if sides[index] == Side.HELDOUT)
    for index, passage in enumerate(text.flat()):
        if sides[index] == Side.TRAIN:
            overlap.see(passage)
    return mark_leaks(text.flat(), sides, overlap, limit)


def _pack(
    ctx: StageContext,
    params: TokenizeParams,
    vocabulary: Vocabulary,
    segments: Iterator[tuple[Side, str]],
    packers: dict[Side, Packer],
) -> int:
    """Feed the packers; how many stretches were shorter than ``min_tokens``."""
    short = done = 0
    while batch := [segment for _, segment in zip(range(_BATCH), segments, strict=False)]:
        for (side, _), ids in zip(batch, vocabulary.encode([text for _, text in batch]), strict=True):
            if len(ids) < params.min_tokens:
                short += 1
            else:
                packers[side].add([*ids, vocabulary.eos])
        done += len(batch)
        ctx.progress(done)
    return short


def _metrics(splits: dict[str, Any], counts: dict[str, int]) -> dict[str, float]:
    found = {f"{name}.tokens": float(split["tokens"]) for name, split in splits.items()}
    return {**found, "documents": float(counts["read"]), "leakingPassages": float(counts["leakingPassages"])}
