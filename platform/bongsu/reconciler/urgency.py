"""Which ready stage goes first: the one with the longest way to the end of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bongsu.domain.ids import StageId
from bongsu.domain.plan import RunPlan

# For a stage that never ran: all alike, so that the number of stages to the end decides.
UNKNOWN_S = 60.0


@dataclass(frozen=True)
class Estimate:
    """How long a run takes, going by what the stages of its pipeline took before; in seconds, by stage id.

    Attributes:
        usual: each stage of which that is known.
        ahead: as :func:`seconds_to_end` has it.
    """

    usual: Mapping[str, float]
    ahead: Mapping[StageId, float]

    @classmethod
    def of(cls, plan: RunPlan, usual: Mapping[str, float]) -> Estimate:
        return cls(usual, seconds_to_end(plan, usual))


def seconds_to_end(plan: RunPlan, seconds: Mapping[str, float]) -> dict[StageId, float]:
    """Length in seconds of the longest path from each stage to the end, its own time included.

    Args:
        plan: its stages stand behind what they need.
        seconds: how long stages take, by stage id, as far as it is known.
    """
    behind: dict[StageId, float] = {}
    total: dict[StageId, float] = {}
    for planned in reversed(plan.stages):
        total[planned.id] = behind.get(planned.id, 0.0) + seconds.get(planned.id, UNKNOWN_S)
        for name in planned.upstream:
            behind[name] = max(behind.get(name, 0.0), total[planned.id])
    return total
