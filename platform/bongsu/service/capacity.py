"""What can be run at once, and how much of it runs and waits in each ministry that who asks may look at."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from bongsu.domain.capacity import Capacity, memory_asked
from bongsu.domain.resources import Resources
from bongsu.domain.run import StageState
from bongsu.service.platform import Platform
from bongsu.store.under_way import stages_asking

_RUNS = (StageState.RUNNING, StageState.PUBLISHING)


@dataclass(frozen=True)
class Load:
    """What stages ask for together.

    Attributes:
        memory: bytes, of those that say.
        gpus: by type of GPU; empty for any.
    """

    stages: int = 0
    cpus: float = 0.0
    memory: int = 0
    gpus: dict[str, int] = field(default_factory=dict)

    def with_(self, needs: Resources) -> Load:
        """With a stage more that asks for these."""
        gpus = dict(self.gpus)
        if needs.total_gpus:
            kind = needs.accelerator or ""
            gpus[kind] = gpus.get(kind, 0) + needs.total_gpus
        return Load(self.stages + 1, self.cpus + needs.total_cpus, self.memory + memory_asked(needs), gpus)


@dataclass(frozen=True)
class MinistryLoad:
    """Of the runs of one ministry: what runs, and what could run and waits for room."""

    ministry: str
    running: Load
    waiting: Load


@dataclass(frozen=True)
class CapacityShown:
    """``there`` is what can be run at once; it is shared by all ministries, of which ``ministries`` are those that who
    asks may look at."""

    there: Capacity
    ministries: tuple[MinistryLoad, ...]


def show_capacity(platform: Platform) -> CapacityShown:
    """How much there is, and what is asked of it now. Raises BongsuError if the executor cannot be asked."""
    there = platform.executor().capacity()
    running: dict[str, Load] = defaultdict(Load)
    waiting: dict[str, Load] = defaultdict(Load)
    with platform.read() as connection:
        for asking in stages_asking(connection, (*_RUNS, StageState.READY)):
            loads = running if asking.state in _RUNS else waiting
            loads[asking.ministry] = loads[asking.ministry].with_(asking.resources)
    ministries = sorted({*running, *waiting})
    return CapacityShown(there, tuple(MinistryLoad(one, running[one], waiting[one]) for one in ministries))
