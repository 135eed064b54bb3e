"""What the executor can still take: launching asks here first."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from math import inf

from bongsu.domain.ids import Digest
from bongsu.domain.resources import Resources
from bongsu.executors.base import Capacity

_ROUNDING = 1e-9


@dataclass
class Budget:
    """Cores, GPUs and bytes of memory that are not taken, out of ``capacity``.

    ``under_way`` holds the cache keys that attempts work on: the same work is not started twice at once, it waits
    for the output.
    """

    capacity: Capacity
    cpus: float
    gpus: int
    memory: int
    under_way: set[Digest] = field(default_factory=set)

    @classmethod
    def of(cls, capacity: Capacity) -> Budget:
        """Everything the executor has."""
        return cls(capacity, capacity.cpus, capacity.gpus, capacity.memory)

    @classmethod
    def spent(cls) -> Budget:
        """For when nothing is to be started now, and nothing is known of what ever could be."""
        return cls(Capacity(cpus=inf, gpus=sys.maxsize, memory=sys.maxsize), 0.0, 0, 0)

    def why_never(self, needs: Resources) -> str | None:
        """Why the executor could not run this even with nothing else to do; None if it could."""
        has = self.capacity
        if needs.total_cpus > has.cpus + _ROUNDING:
            return f"it needs {needs.total_cpus:g} CPU cores at once, and there are {has.cpus:g}"
        if needs.total_gpus > has.gpus:
            return f"it needs {needs.total_gpus} GPUs at once, and there are {has.gpus}"
        if _memory(needs) > has.memory:
            return f"it needs {_memory(needs) / 1e9:.1f} GB of memory, and there are {has.memory / 1e9:.1f} GB"
        kinds = has.accelerators
        if needs.gpus_per_worker and needs.accelerator and kinds and needs.accelerator not in kinds:
            return f"it needs {needs.accelerator}, and there are only {', '.join(kinds)}"
        return None

    def take(self, needs: Resources) -> bool:
        """Reserve what a stage needs; False, and no change, if it does not fit now."""
        if needs.total_cpus > self.cpus + _ROUNDING or needs.total_gpus > self.gpus or _memory(needs) > self.memory:
            return False
        self.spend(needs)
        return True

    def give_back(self, needs: Resources) -> None:
        """What was taken is free again."""
        self.cpus += needs.total_cpus
        self.gpus += needs.total_gpus
        self.memory += _memory(needs)

    def spend(self, needs: Resources) -> None:
        """What is under way already."""
        self.cpus -= needs.total_cpus
        self.gpus -= needs.total_gpus
        self.memory -= _memory(needs)


def _memory(needs: Resources) -> int:
    """Bytes that the stage asks for; none where it does not say."""
    return needs.workers * (needs.memory or 0)
