"""Where the layers of a model lie that is too large for one device: on the worker's GPUs, in its memory, on its disk.

accelerate's dispatch does it (its "big model inference"): layers compute where they fit, and those that fit nowhere
come from disk when their turn is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bongsu.machine.memory import available_memory

# Share of what is free that weights may take; the rest is for activations and for the layer that passes through.
_FOR_WEIGHTS = 0.8


@dataclass(frozen=True)
class Room:
    """What a worker has for weights.

    Attributes:
        gpus: free bytes of each GPU, by its number.
        host: free bytes of memory.
        disk: a directory for layers that fit into neither. It must stand as long as the model is used.
    """

    gpus: tuple[int, ...]
    host: int
    disk: Path

    @classmethod
    def of_worker(cls, disk: Path, memory: int | None = None) -> Room:
        """What is free here and now, and no more than ``memory`` bytes of the host."""
        gpus = tuple(int(torch.cuda.mem_get_info(number)[0]) for number in range(torch.cuda.device_count()))
        free = available_memory()
        return cls(gpus, min(free, memory) if memory else free, disk)

    @property
    def first(self) -> int:
        """Free bytes of the device that computes."""
        return self.gpus[0] if self.gpus else self.host

    def has_place_for(self, needed: int) -> bool:
        """True if the device that computes can hold weights of ``needed`` bytes."""
        return needed <= self.first * _FOR_WEIGHTS

    @property
    def in_memory(self) -> int:
        """Bytes of weights that its devices hold without help from the disk."""
        return int((sum(self.gpus) or self.host) * _FOR_WEIGHTS)

    def spread_options(self) -> dict[str, Any]:
        """Options of ``from_pretrained`` for weights that it cannot hold."""
        limits: dict[int | str, int] = {number: int(free * _FOR_WEIGHTS) for number, free in enumerate(self.gpus)}
        limits["cpu"] = int(self.host * _FOR_WEIGHTS)
        return {"device_map": "auto", "max_memory": limits, "offload_folder": str(self.disk)}


def is_spread(model: Any) -> bool:
    """True if the layers lie in several places, from which hooks fetch them."""
    places = getattr(model, "hf_device_map", {})
    return len(places) > 1 or "disk" in places.values()


def input_device(model: Any) -> torch.device:
    """Where tokens have to lie; hooks take them to the layers of a model that is spread."""
    return torch.device("cpu") if is_spread(model) else model.device


def state_of(model: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """The state dict, one module in memory at a time where the model is spread."""
    if not is_spread(model):
        yield from model.state_dict().items()
        return
    from accelerate.utils import align_module_device

    names = set(model.state_dict())
    for path, module in model.named_modules():
        own = [*module._parameters, *module._buffers]
        known = [(f"{path}.{name}" if path else name, name) for name in own]
        if any(whole in names for whole, _ in known):
            with align_module_device(module, "cpu"):
                yield from ((whole, getattr(module, name)) for whole, name in known if whole in names)
