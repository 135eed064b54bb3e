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
_AT_ONCE = 65_536

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


def earlier_duplicates(rows: Signatures, threshold: float) -> npt.NDArray[np.int64]:
    """For each text the index of an earlier text that stays and is similar to it, or -1 if it stays itself.

    Similarity is estimated from the signatures. In each bucket a text is compared with the first one and with the
    one before it.

    Args:
        rows: ``[texts, PERMUTATIONS]``; may be a memory map.
        threshold: Jaccard similarity from which on a text is a duplicate.
    """
    originals = np.full(len(rows), -1, dtype=np.int64)
    pairs = _similar_pairs(rows, threshold)
    for later, earlier in pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))].tolist():
        if originals[later] < 0 and originals[earlier] < 0:
            originals[later] = earlier
    return originals


def _similar_pairs(rows: Signatures, threshold: float) -> npt.NDArray[np.int64]:
    """Pairs (later, earlier) that share a band and are similar, ``[pairs, 2]``."""
    found = [np.empty((0, 2), dtype=np.int64)]
    keys = np.empty((len(rows), BANDS), dtype=np.uint64)
    for at in range(0, len(rows), _AT_ONCE):
        keys[at : at + _AT_ONCE] = band_keys(rows[at : at + _AT_ONCE])
    for band in range(BANDS if len(rows) else 0):
        order = np.argsort(keys[:, band], kind="stable")
        ordered = keys[order, band]
        fresh = np.r_[True, ordered[1:] != ordered[:-1]]
        first = np.maximum.accumulate(np.where(fresh, np.arange(len(order)), 0))
        places = np.flatnonzero(~fresh)
        for partner in (first[places], places - 1):
            found.append(np.stack([order[places], order[partner]], axis=1))
    pairs = np.unique(np.concatenate(found), axis=0)
    close = [
        np.mean(rows[part[:, 0]] == rows[part[:, 1]], axis=1) >= threshold
        for part in (pairs[at : at + _AT_ONCE] for at in range(0, len(pairs), _AT_ONCE))
    ]
    return pairs[np.concatenate(close)] if close else pairs
