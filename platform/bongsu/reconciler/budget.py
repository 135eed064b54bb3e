"""What the executor can still take: launching asks here first."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from math import inf

from bongsu.domain.capacity import ROUNDING, Capacity, memory_asked, shortfalls
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Label
from bongsu.domain.phrases import Phrase
from bongsu.domain.resources import Resources
from bongsu.domain.tenants import Tenant


@dataclass
class Budget:
    """Cores, GPUs and bytes of memory that are not taken, out of ``capacity``.

    ``under_way`` holds what attempts work on, by tenant and cache key: under which labels. The same work is not started
    twice at once, it waits for the output; not for one that it may not take, of which nobody below shall know.
    """

    capacity: Capacity
    cpus: float
    gpus: int
    memory: int
    under_way: dict[tuple[Tenant, Digest], set[Label]] = field(default_factory=dict)

    @classmethod
    def of(cls, capacity: Capacity) -> Budget:
        """Everything the executor has."""
        return cls(capacity, capacity.cpus, capacity.gpus, capacity.memory)

    @classmethod
    def spent(cls) -> Budget:
        """For when nothing is to be started now, and nothing is known of what ever could be."""
        return cls(Capacity(cpus=inf, gpus=sys.maxsize, memory=sys.maxsize), 0.0, 0, 0)

    def begin(self, tenant: Tenant, key: Digest, label: Label) -> None:
        """An attempt works on what the key stands for."""
        self.under_way.setdefault((tenant, key), set()).add(label)

    def end(self, tenant: Tenant, key: Digest, label: Label) -> None:
        """It has left no output."""
        self.under_way.get((tenant, key), set()).discard(label)

    def is_worth_waiting(self, tenant: Tenant, key: Digest, label: Label) -> bool:
        """True if an attempt is at work on what a stage of this label could take."""
        return any(label.dominates(one) for one in self.under_way.get((tenant, key), ()))

    def why_never(self, needs: Resources) -> Phrase | None:
        """Why the executor could not run this even with nothing else to do; None if it could."""
        return next((found.reason for found in shortfalls(needs, self.capacity)), None)

    def take(self, needs: Resources) -> bool:
        """Reserve what a stage needs; False, and no change, if it does not fit now."""
        if (
            needs.total_cpus > self.cpus + ROUNDING
            or needs.total_gpus > self.gpus
            or memory_asked(needs) > self.memory
        ):
            return False
        self.spend(needs)
        return True

    def give_back(self, needs: Resources) -> None:
        """What was taken is free again."""
        self.cpus += needs.total_cpus
        self.gpus += needs.total_gpus
        self.memory += memory_asked(needs)

    def spend(self, needs: Resources) -> None:
        """What is under way already."""
        self.cpus -= needs.total_cpus
        self.gpus -= needs.total_gpus
        self.memory -= memory_asked(needs)
