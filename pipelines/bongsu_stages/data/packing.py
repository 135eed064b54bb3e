"""Packing token ids into rows of one length, written shard by shard."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from bongsu.artifacts.base import TreeWriter
from bongsu_stages.data.heldout import Side
from bongsu_stages.data.vocabulary import Vocabulary

SHARD_BYTES = 64 * 1024 * 1024
_BATCH = 256


class Packer:
    """Cuts a stream of token ids into rows and writes ``<name>-00000.npy``, ... of about 64 MiB into a tree.

    What is left at the end and fills no row is not written; ``dropped`` counts its tokens.
    """

    def __init__(self, writer: TreeWriter, name: str, length: int, dtype: str, shard_bytes: int = SHARD_BYTES):
        self._writer = writer
        self._name = name
        self._length = length
        self._dtype = np.dtype(dtype)
        self._rows_in_shard = max(1, shard_bytes // (length * self._dtype.itemsize))
        self._held = array("I")
        self.files: list[str] = []
        self.sequences = 0
        self.dropped = 0

    def add(self, ids: list[int]) -> None:
        """Append one document; its end token is part of ``ids``."""
        self._held.extend(ids)
        while len(self._held) >= self._rows_in_shard * self._length:
            self._write(self._rows_in_shard)

    def close(self) -> None:
        rows = len(self._held) // self._length
        if rows:
            self._write(rows)
        self.dropped = len(self._held)

    def card(self) -> dict[str, Any]:
        """This split's entry in ``tokens.json``."""
        return {
            "sequences": self.sequences,
            "tokens": self.sequences * self._length,
            "files": self.files,
            "droppedTokens": self.dropped,
        }

    def _write(self, rows: int) -> None:
        count = rows * self._length
        block = np.frombuffer(self._held, dtype=np.uint32, count=count).astype(self._dtype)
        name = f"{self._name}-{len(self.files):05d}.npy"
        with self._writer.create(name) as file:
            np.save(file, block.reshape(rows, self._length))
        self.files.append(name)
        self.sequences += rows
        self._held = self._held[count:]


def pack(
    segments: Iterator[tuple[Side, str]], vocabulary: Vocabulary, packers: Mapping[Side, Packer], min_tokens: int
) -> Iterator[tuple[int, int]]:
    """Encode stretches of text and feed the packer of their side, each ended by the end-of-text token.

    Yields after each batch how many stretches are done, and how many were left out for having fewer than
    ``min_tokens`` tokens.
    """
    short = done = 0
    while batch := list(islice(segments, _BATCH)):
        for (side, _), ids in zip(batch, vocabulary.encode([text for _, text in batch]), strict=True):
            if len(ids) < min_tokens:
                short += 1
            else:
                packers[side].add([*ids, vocabulary.eos])
        done += len(batch)
        yield done, short
    for packer in packers.values():
        packer.close()
