"""Which sequence of which source the n-th row of training is: exact shares, each source in random order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bongsu_stages.data.tokens import Rows
from bongsu_stages.train.shuffle import fold, shuffled

BLOCK = 1024
"""Rows over which the shares are exact (to 1/1024) and in random order."""


def apportion(weights: Sequence[float], total: int) -> list[int]:
    """Whole numbers that add up to ``total`` and follow ``weights`` (largest remainder method).

    A weight above zero gets at least one.
    """
    scale = total / sum(weights)
    counts = [max(int(w * scale), 1 if w > 0 else 0) for w in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (counts[i] - weights[i] * scale, i))
    at = 0
    while sum(counts) < total:
        counts[by_remainder[at % len(counts)]] += 1
        at += 1
    while sum(counts) > total:
        counts[max(range(len(counts)), key=lambda i: counts[i])] -= 1
    return counts


@dataclass(frozen=True)
class Mixture:
    """A stateless order of rows over sources.

    Attributes:
        sizes: sequences in each source.
        weights: share of each source; they need not add up to 1.
        seed: another seed, another order.
    """

    sizes: tuple[int, ...]
    weights: tuple[float, ...]
    seed: int

    def rows(self, first: int, count: int) -> tuple[Rows, Rows]:
        """Source and sequence of rows ``first`` to ``first + count - 1``, each of shape ``[count]``.

        Every pass over a source visits each of its sequences once, and each pass in another order.
        """
        blocks = range(first // BLOCK, (first + count - 1) // BLOCK + 1)
        parts = [_block(self, number) for number in blocks]
        sources = np.concatenate([part[0] for part in parts])
        sequences = np.concatenate([part[1] for part in parts])
        start = first - blocks[0] * BLOCK
        return sources[start : start + count], sequences[start : start + count]

    def sequences(self, source: int, draws: Rows) -> Rows:
        """Sequence of ``source`` at each of its ``draws``, which count from the first row that it has."""
        size = self.sizes[source]
        passes, positions = draws // size, draws % size
        out = np.empty_like(draws)
        for number in np.unique(passes):
            here = passes == number
            out[here] = shuffled(positions[here], size, fold(self.seed, source + 1, int(number)))
        return out


# Many steps lie in one block.
@lru_cache(maxsize=4)
def _block(mixture: Mixture, number: int) -> tuple[Rows, Rows]:
    """Source and sequence of the rows of a block; nobody writes into them."""
    counts = apportion(mixture.weights, BLOCK)
    in_order = np.repeat(np.arange(len(counts)), counts)
    order = shuffled(np.arange(BLOCK), BLOCK, fold(mixture.seed, number))
    sources = in_order[order]
    sequences = np.empty(BLOCK, dtype=np.int64)
    for source, per_block in enumerate(counts):
        draws = np.arange(per_block) + number * per_block
        sequences[sources == source] = mixture.sequences(source, draws)
    return sources, sequences
