"""Shuffling without a table: the n-th element of a random order, from n alone.

A Feistel network over the smallest even number of bits that covers the size, walked until the value falls inside
(Black and Rogaway, "Ciphers with arbitrary finite domains", 2002). It needs no memory, so the order of 10^10
sequences costs nothing, and a resumed run asks for the step it is at.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt

from bongsu_stages.data.tokens import Rows

UInt64s = npt.NDArray[np.uint64]
_ROUNDS = 4
_MULTIPLIERS = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def mix(values: UInt64s) -> UInt64s:
    """SplitMix64's finalizer: 64 bits in, 64 well-mixed bits out (Steele, Lea and Flood, 2014)."""
    with np.errstate(over="ignore"):
        z = values + np.uint64(_MULTIPLIERS[0])
        z = (z ^ (z >> np.uint64(30))) * np.uint64(_MULTIPLIERS[1])
        z = (z ^ (z >> np.uint64(27))) * np.uint64(_MULTIPLIERS[2])
        return cast(UInt64s, z ^ (z >> np.uint64(31)))


def fold(*parts: int) -> int:
    """One 64-bit key out of several numbers; another order gives another key."""
    key = np.zeros(1, dtype=np.uint64)
    for part in parts:
        key = mix(key ^ np.uint64(part & (2**64 - 1)))
    return int(key[0])


def shuffled(positions: Rows, size: int, key: int) -> Rows:
    """Where each of ``positions`` (in 0..size-1) lands in the random order that ``key`` names: a bijection."""
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    mask = np.uint64((1 << half) - 1)
    shift = np.uint64(half)
    values = positions.astype(np.uint64)
    outside = np.ones(values.shape, dtype=bool)
    while outside.any():
        left, right = values[outside] >> shift, values[outside] & mask
        for round_number in range(_ROUNDS):
            round_key = np.uint64(fold(key, round_number))
            left, right = right, left ^ (mix(right ^ round_key) & mask)
        values[outside] = (left << shift) | right
        outside = values >= np.uint64(size)
    return values.astype(np.int64)
