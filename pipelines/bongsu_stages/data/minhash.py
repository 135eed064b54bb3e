"""Near duplicates by MinHash signatures and banding (Broder 1997; Leskovec et al., Mining of Massive Datasets, 3.4).

Signatures of 120 permutations in 20 bands of 6 rows: two texts of Jaccard similarity 0.8 share a band with
probability 0.998, of 0.6 with 0.62, of 0.3 with 0.014.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bongsu_stages.data.shingles import Hashes, mixed, shingle_hashes

PERMUTATIONS = 120
BANDS = 20
_ROWS = PERMUTATIONS // BANDS
_SEED = 42  # signatures of different runs must be comparable: not a parameter
SHINGLE = 8

Signatures = npt.NDArray[np.uint32]


def signatures(texts: Sequence[str]) -> Signatures:
    """MinHash signatures, uint32 of shape ``[len(texts), PERMUTATIONS]``."""
    from rensa import RMinHash

    if not texts:
        return np.empty((0, PERMUTATIONS), dtype=np.uint32)
    hashes = [shingle_hashes(text, SHINGLE) for text in texts]
    ends = np.cumsum([len(part) for part in hashes]).tolist()
    flat = np.concatenate(hashes).tolist()
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(flat, [0, *ends], PERMUTATIONS, _SEED)
    return np.array(matrix.to_rows(), dtype=np.uint32)


def band_keys(rows: Signatures) -> Hashes:
    """One hash for each band: uint64 of shape ``[len(rows), BANDS]``. Equal keys are candidates."""
    parts = rows.reshape(len(rows), BANDS, _ROWS).astype(np.uint64)
    keys = np.zeros((len(rows), BANDS), dtype=np.uint64)
    for row in range(_ROWS):
        keys = mixed(keys + parts[:, :, row] + np.uint64(row + 1))
    return keys


def similarity(one: Signatures, other: Signatures) -> float:
    """Estimate of the Jaccard similarity of two texts from a signature each."""
    return float(np.mean(one == other))


def clusters(keys: Hashes) -> npt.NDArray[np.int64]:
    """For each text the smallest index of its cluster: texts that share a band, taken transitively.

    Args:
        keys: ``[texts, bands]``; may be a memory map, one column is read at a time.
    """
    labels = np.arange(len(keys), dtype=np.int64)
    while len(keys):
        before = labels.copy()
        for band in range(keys.shape[1]):
            column = np.asarray(keys[:, band])
            order = np.argsort(column, kind="stable")
            ordered = column[order]
            starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
            least = np.minimum.reduceat(labels[order], starts)
            labels[order] = np.repeat(least, np.diff(np.r_[starts, len(order)]))
        labels = labels[labels]
        if np.array_equal(labels, before):
            break
    return labels
