"""Hashes of overlapping character windows: what texts are compared by.

Whitespace is left out first: the same sentence broken into lines in another way is still the same sentence.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

_BASE = 0x9E3779B97F4A7C15


def shingle_hashes(text: str, size: int) -> Hashes:
    """Distinct 64-bit hashes of all windows of ``size`` characters, sorted.

    A text shorter than one window gives one hash, of the whole of it; an empty text gives none.
    """
    codes = np.frombuffer("".join(text.split()).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    if not len(codes):
        return codes
    size = min(size, len(codes))
    windows = np.zeros(len(codes) - size + 1, dtype=np.uint64)
    for offset in range(size):
        windows = windows * np.uint64(_BASE) + codes[offset : offset + len(windows)]
    return np.unique(mixed(windows))


def mixed(values: Hashes) -> Hashes:
    """Spread the bits of each value (the finalizer of SplitMix64, Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
