"""The gang of equal workers that train together, as one of them sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist

from bongsu_stages.models.device import pick_device


@dataclass(frozen=True)
class WorkerGroup:
    """Rank of this worker among ``size`` workers, and the device that it computes on."""

    rank: int
    size: int
    device: torch.device

    @classmethod
    def of_ray(cls, threads: int) -> WorkerGroup:
        """Inside a Ray Train worker: its rank, its device, and ``threads`` CPU threads for it."""
        import ray.train

        torch.set_num_threads(threads)
        context = ray.train.get_context()
        return cls(context.get_world_rank(), context.get_world_size(), pick_device())

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def sum(self, tensor: torch.Tensor) -> torch.Tensor:
        """Sum over all workers, in place."""
        return self.sum_later(tensor)()

    def sum_later(self, tensor: torch.Tensor) -> Callable[[], torch.Tensor]:
        """Begin the sum over all workers, in place; what is returned waits for it."""
        exchange = dist.all_reduce(tensor, async_op=True) if self.size > 1 else None

        def summed() -> torch.Tensor:
            if exchange is not None:
                exchange.wait()
            return tensor

        return summed

    def gather(self, value: Any) -> list[Any]:
        """Every worker's ``value``, in the order of ranks. Small picklable values only."""
        if self.size == 1:
            return [value]
        out: list[Any] = [None] * self.size
        dist.all_gather_object(out, value)
        return out
