"""What the training loop reads: batches of the n-th rows, and held-out parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from bongsu_stages.data.tokens import TokenTree, evenly
from bongsu_stages.train.mixture import Mixture

IGNORED = -100
"""Label of a position that the loss leaves out (torch's own convention)."""


@dataclass(frozen=True)
class Batch:
    """``input_ids`` and ``labels``, both int64 of shape ``[sequences, tokens]``.

    ``labels[:, t]`` is the token at ``t`` or :data:`IGNORED`; the loss compares it with what the model
    foretells from the tokens before it. ``attention_mask`` (same shape, 1 for a token) where sequences are padded.
    """

    input_ids: torch.Tensor
    labels: torch.Tensor
    attention_mask: torch.Tensor | None = None

    @property
    def targets(self) -> int:
        """Positions that the loss counts."""
        return int((self.labels[:, 1:] != IGNORED).sum())

    def to(self, device: torch.device) -> Batch:
        mask = self.attention_mask
        return Batch(
            self.input_ids.to(device, non_blocking=True),
            self.labels.to(device, non_blocking=True),
            None if mask is None else mask.to(device, non_blocking=True),
        )


class HeldOut(Protocol):
    """A part of the data that is never trained on."""

    @property
    def name(self) -> str: ...

    def batches(self, size: int, rank: int, workers: int) -> Iterator[Batch]:
        """This worker's share, in batches of at most ``size`` sequences."""
        ...


class TrainingData(Protocol):
    """Rows in a fixed order without end; the same row number is the same row in every run and on every worker."""

    def rows(self, first: int, count: int) -> Batch: ...

    @property
    def held_out(self) -> list[HeldOut]: ...


@dataclass(frozen=True)
class PackedData:
    """Training data out of tokens trees, mixed by weight. ``length`` cuts sequences, None leaves them."""

    trees: list[TokenTree]
    mixture: Mixture
    length: int | None
    evaluate_sequences: int

    def rows(self, first: int, count: int) -> Batch:
        sources, sequences = self.mixture.rows(first, count)
        full = self.trees[0].sequence_length
        out = np.empty((count, full), dtype=np.int64)
        for source in np.unique(sources):
            here = sources == source
            out[here] = self.trees[int(source)].take("train", sequences[here])
        ids = torch.from_numpy(out[:, : self.length])
        return Batch(ids, ids)

    @property
    def held_out(self) -> list[HeldOut]:
        parts = (HeldOutTokens(tree, self.length, self.evaluate_sequences) for tree in self.trees)
        return [part for part in parts if part.count]


@dataclass(frozen=True)
class HeldOutTokens:
    """Evenly spaced sequences of one tree's held-out part, at most ``limit``."""

    tree: TokenTree
    length: int | None
    limit: int

    @property
    def name(self) -> str:
        return self.tree.title

    @property
    def count(self) -> int:
        return min(self.limit, self.tree.sequences("heldout"))

    def batches(self, size: int, rank: int, workers: int) -> Iterator[Batch]:
        chosen = evenly(self.tree.sequences("heldout"), self.limit)
        mine = chosen[rank::workers]
        # Sharded models compute together: a worker with one sequence less repeats one, and counts nothing of it.
        spare = -(-self.count // workers) - len(mine)
        rows = np.concatenate([mine, chosen[:spare]])
        for start in range(0, len(rows), size):
            ids = torch.from_numpy(self.tree.take("heldout", rows[start : start + size])[:, : self.length])
            labels = ids.clone()
            labels[max(0, len(mine) - start) :] = IGNORED
            yield Batch(ids, labels)
