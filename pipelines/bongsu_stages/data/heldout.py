"""Which passages are held out: whole clusters of near duplicates, and none that the other side gives away."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from bongsu_stages.data.minhash import clusters
from bongsu_stages.data.shingles import Hashes, shingle_hashes

# A run of so many characters (whitespace not counted) that stands on both sides is copied text, not chance.
COPIED = 24


class Side(IntEnum):
    """Where a passage goes."""

    TRAIN = 0
    HELDOUT = 1
    LEAKING = 2  # would be held out, but training text contains much of it


Sides = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Wanted:
    """How much to hold out: a share of all characters, but never more than ``most`` characters.

    The share is what a person would like, so a corpus of few passages holds out its smallest cluster although that is
    more. The other is a bound: where even the smallest cluster is above it, nothing is held out.
    """

    fraction: float
    most: int
    seed: int


def assign(keys: Hashes, contents: Hashes, lengths: npt.NDArray[np.int64], wanted: Wanted) -> tuple[Sides, int]:
    """The side of every passage and the number of clusters.

    Clusters are taken in the order of a hash of their first passage's content and the seed, so that a corpus
    that grows keeps most of its held-out part.

    Args:
        keys: band keys, ``[passages, bands]``.
        contents: a hash of the content of each passage.
        lengths: characters of each passage.
    """
    labels = clusters(keys)
    roots, inverse = np.unique(labels, return_inverse=True)
    sizes = np.bincount(inverse, weights=lengths, minlength=len(roots)).astype(np.int64)
    chosen = np.zeros(len(roots), dtype=bool)
    target = min(int(wanted.fraction * int(lengths.sum())), wanted.most)
    ranks = np.array([_rank(wanted.seed, int(contents[root])) for root in roots], dtype=np.uint64)
    left = target
    for index in np.argsort(ranks, kind="stable"):
        if left <= 0:
            break
        if sizes[index] <= left:
            chosen[index] = True
            left -= int(sizes[index])
    if target and not chosen.any() and len(roots) > 1:
        smallest = int(np.argmin(sizes))
        chosen[smallest] = sizes[smallest] <= wanted.most
    return chosen[inverse].astype(np.int8), len(roots)


def _rank(seed: int, content: int) -> int:
    data = seed.to_bytes(8, "little") + content.to_bytes(8, "little")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


class Overlap:
    """Finds held-out passages much of which stands in training text too, although no cluster joined them.

    Memory grows with the held-out part only (8 bytes a character).
    """

    def __init__(self, heldout: Iterable[str]) -> None:
        hashes = [shingle_hashes(text, COPIED) for text in heldout]
        self._known = np.unique(np.concatenate(hashes)) if hashes else np.empty(0, dtype=np.uint64)
        self._seen = np.zeros(len(self._known), dtype=bool)

    def see(self, text: str) -> None:
        """Note a passage of the training side."""
        if len(self._known):
            hashes = shingle_hashes(text, COPIED)
            places = np.minimum(np.searchsorted(self._known, hashes), len(self._known) - 1)
            self._seen[places[self._known[places] == hashes]] = True

    def share(self, text: str) -> float:
        """Share of a held-out passage's windows that were seen, 0 to 1."""
        hashes = shingle_hashes(text, COPIED)
        if not len(hashes):
            return 0.0
        return float(np.mean(self._seen[np.searchsorted(self._known, hashes)]))


def mark_leaks(texts: Iterator[str], sides: Sides, overlap: Overlap, limit: float) -> int:
    """Turn held-out passages with a seen share of ``limit`` or more into LEAKING, in place; how many they are."""
    found = 0
    for index, text in enumerate(texts):
        if sides[index] == Side.HELDOUT and overlap.share(text) >= limit:
            sides[index] = Side.LEAKING
            found += 1
    return found
