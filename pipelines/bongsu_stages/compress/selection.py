"""Which experts stay. Pure: scores in, indices out."""

from __future__ import annotations

from collections.abc import Sequence


def keep_count(experts: int, groups: int, fraction: float, per_token: int) -> int:
    """How many experts stay of ``experts``: the fraction, rounded to a multiple of the router's groups, at least as
    many as a token uses."""
    each = max(1, round(experts * fraction / groups))
    least = -(-per_token // groups)
    return min(experts, groups * max(each, least))


def choose(scores: Sequence[float], keep: int, groups: int) -> list[int]:
    """Indices of the best ``keep`` experts, in ascending order, as many from each group of neighbours.

    Group-limited routing looks at groups of equal size, so none may lose more than another. Ties go to the lower
    index, so the choice does not depend on chance.
    """
    size = len(scores) // groups
    each = keep // groups
    kept: list[int] = []
    for group in range(groups):
        members = range(group * size, (group + 1) * size)
        kept += sorted(members, key=lambda expert: (-scores[expert], expert))[:each]
    return sorted(kept)
