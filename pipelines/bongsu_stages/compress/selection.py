"""Which experts stay. Pure: scores in, indices out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

GROUP_SCORE_EXPERTS = 2
"""Best experts of a group whose sum is its score (DeepSeek-V3 report, arXiv 2412.19437): no group may have fewer."""


@dataclass(frozen=True)
class Routing:
    """What a router needs experts for.

    Attributes:
        experts: routed experts of a layer.
        per_token: experts that one token uses.
        groups: groups of neighbouring experts; None if the router knows none.
        groups_per_token: groups that one token's experts come from.
    """

    experts: int
    per_token: int
    groups: int | None = None
    groups_per_token: int = 1

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Routing:
        """From a model's ``config.json``."""
        groups = config.get("n_group")
        return cls(
            experts=config["n_routed_experts"],
            per_token=config.get("num_experts_per_tok") or 1,
            groups=groups,
            groups_per_token=config.get("topk_group") or groups or 1,
        )

    @property
    def parts(self) -> int:
        return self.groups or 1

    @property
    def least(self) -> int:
        """Fewest experts with which the router still works."""
        if self.groups is None:
            return self.per_token
        return self.groups * max(GROUP_SCORE_EXPERTS, -(-self.per_token // self.groups_per_token))


def keep_count(routing: Routing, fraction: float) -> int:
    """How many experts stay: the fraction, rounded to a multiple of the groups, and never too few to route to."""
    wanted = routing.parts * round(routing.experts * fraction / routing.parts)
    return min(routing.experts, max(wanted, routing.least))


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
