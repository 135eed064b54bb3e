"""Which points of a pipeline may run, and which never do whatever comes of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bongsu.domain.ids import StageId
from bongsu.domain.stages import Catalogue
from bongsu.planner.matrix import StagePoint


@dataclass(frozen=True)
class Dropped:
    """A point that will not run.

    Attributes:
        because: points without which it has nothing to work on; empty where its own condition is false.
    """

    point: StagePoint
    because: tuple[StagePoint, ...] = ()


@dataclass(frozen=True)
class Keeping:
    """Points in the order in which they came."""

    kept: tuple[StagePoint, ...]
    dropped: tuple[Dropped, ...]


def keep_points(points: Sequence[StagePoint], catalogue: Catalogue) -> Keeping:
    """Part points whose condition may hold from the others; one that needs a dropped point at a single port is dropped
    with it, one that gathers goes on without it."""
    dropped: dict[StageId, Dropped] = {}
    kept = []
    for point in points:
        ports = catalogue[point.stage.uses].inputs
        left = {
            port: tuple(s for s in sources if s.stage_id not in dropped) for port, sources in point.inputs.items()
        }
        lacking = [
            port
            for port, sources in point.inputs.items()
            if len(left[port]) < len(sources) and (not ports[port].many or not left[port])
        ]
        if point.when == "false":
            dropped[point.id] = Dropped(point)
        elif lacking:
            gone = [s.stage_id for port in lacking for s in point.inputs[port] if s.stage_id in dropped]
            because = tuple(dropped[name].point for name in dict.fromkeys(gone) if name is not None)
            dropped[point.id] = Dropped(point, because)
        else:
            kept.append(replace(point, inputs=left))
    return Keeping(tuple(kept), tuple(dropped.values()))
