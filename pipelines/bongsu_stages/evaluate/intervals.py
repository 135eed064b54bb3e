"""Confidence intervals of what is measured on samples."""

from __future__ import annotations

import math
from collections.abc import Sequence

Z_95 = 1.959963984540054
RESAMPLES = 1000


def wilson(successes: int, trials: int, z: float = Z_95) -> tuple[float, float]:
    """Interval of a proportion (Wilson, 1927); holds for few trials and for proportions near 0 and 1."""
    if trials == 0:
        return 0.0, 1.0
    share = successes / trials
    centre = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def bootstrap_perplexity(
    losses: Sequence[float], counts: Sequence[int], seed: int = 0, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """95% interval of ``exp(sum(losses) / sum(counts))`` by resampling whole sequences (Efron, 1979).

    Tokens of one sequence are not independent of each other, so sequences are drawn and not tokens.

    Args:
        losses: summed negative log-likelihood of each sequence, in nats.
        counts: tokens predicted in each sequence.
        seed: of the resampling; the same seed gives the same interval.
    """
    import numpy as np

    total, tokens = np.asarray(losses, dtype=float), np.asarray(counts, dtype=float)
    drawn = np.random.default_rng(seed).integers(0, len(total), size=(resamples, len(total)))
    means = total[drawn].sum(axis=1) / tokens[drawn].sum(axis=1)
    low, high = np.quantile(np.exp(np.minimum(means, 700.0)), [0.025, 0.975])
    return float(low), float(high)


def median_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Between which two of the values the true median lies with at least 95%; None where there are too few to tell.

    By order statistics (sign test): without the ``k`` smallest and largest of ``n`` values it lies outside with twice
    the probability of at most ``k`` heads in ``n`` throws of a coin.
    """
    count, found = len(values), None
    outside = 0.0
    for k in range((count + 1) // 2):
        outside += 2 * math.comb(count, k) / 2**count
        if outside > 0.05:
            break
        found = (sorted(values)[k], sorted(values)[count - 1 - k])
    return found
