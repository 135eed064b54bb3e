"""What stages will take of a grant, as far as it can be told before they run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bongsu.domain.grants import MS_PER_HOUR
from bongsu.domain.ids import StageId
from bongsu.domain.plan import PlannedStage


@dataclass(frozen=True)
class Need:
    """What is to be set aside.

    Attributes:
        gpu_ms: GPU-milliseconds of all stages together: each as it was estimated, or its timeout times its GPUs.
        seconds: how long it takes at least, along the longest path; stages without GPUs count as nothing.
        stages: names of stages in the file that hold GPUs, by the type that they ask for.
        unknown: names of those of which nobody can tell how long they hold them.
    """

    gpu_ms: int = 0
    seconds: float = 0.0
    stages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


def need_of(stages: Iterable[PlannedStage], assumed: str) -> Need:
    """The need of these stages, each at one try: a retry is not set aside, and is paid all the same.

    Args:
        stages: those that will run, in the plan's order.
        assumed: the type of GPU that a stage is taken to ask for that does not say which.
    """
    total = 0
    ends: dict[StageId, float] = {}
    by_type: dict[str, list[str]] = {}
    unknown = []
    for planned in stages:
        gpus = planned.resources.total_gpus
        taken = stage_need(planned)
        ends[planned.id] = max((ends.get(name, 0.0) for name in planned.upstream), default=0.0)
        if gpus == 0:
            continue
        by_type.setdefault(planned.resources.accelerator or assumed, []).append(planned.stage)
        if taken is None:
            unknown.append(planned.stage)
            continue
        total += taken
        ends[planned.id] += taken / gpus / 1000
    names = {type_: tuple(dict.fromkeys(found)) for type_, found in by_type.items()}
    return Need(total, max(ends.values(), default=0.0), names, tuple(dict.fromkeys(unknown)))


def stage_need(planned: PlannedStage) -> int | None:
    """GPU-milliseconds of one try, rounded up; None if nobody can tell."""
    gpus = planned.resources.total_gpus
    if gpus == 0:
        return 0
    if planned.gpu_hours is not None:
        return math.ceil(planned.gpu_hours * MS_PER_HOUR)
    if planned.timeout is not None:
        return gpus * math.ceil(planned.timeout.total_seconds() * 1000)
    return None
