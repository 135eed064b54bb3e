"""The passages of a documents tree, and the side of the split that each of them is on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from bongsu.artifacts.base import TreeReader
from bongsu.domain.messages import N_
from bongsu_stages.data.documents import read_documents
from bongsu_stages.data.heldout import Overlap, Side, Sides, Wanted, assign, mark_leaks
from bongsu_stages.data.minhash import BANDS, band_keys, signatures
from bongsu_stages.data.passages import passages
from bongsu_stages.data.shingles import Hashes
from bongsu_stages.runtime.context import StageContext
from bongsu_stages.runtime.stage import StageError

_BATCH = 256


class Passages:
    """A documents tree, cut into passages; every method reads it once from its start."""

    def __init__(self, reader: TreeReader, scratch: Path, characters: int) -> None:
        self._reader = reader
        self._scratch = scratch
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


def split(ctx: StageContext, text: Passages, wanted: Wanted, max_overlap: float) -> tuple[Sides, dict[str, int]]:
    """The side of every passage, and counts for ``tokens.json``.

    Args:
        max_overlap: drop a held-out passage when training text contains this share of it.

    Raises StageError if there is no text.
    """
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
        raise StageError(
            N_("The documents input has no text."), N_("See the card of data.curate for what was dropped.")
        )
    keys: Any = np.memmap(place, dtype=np.uint64, mode="r", shape=(len(lengths), BANDS))
    sides, groups = assign(keys, np.concatenate(contents), np.array(lengths, dtype=np.int64), wanted)
    leaking = _drop_leaks(text, sides, max_overlap) if sides.any() else 0
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
