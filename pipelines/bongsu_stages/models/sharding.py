"""Models whose weights several workers share (FSDP2, arXiv:2304.11277), with no worker ever holding all of them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import nn

from bongsu_stages.models.loading import sharding_options


def is_sharded(model: nn.Module) -> bool:
    return any(hasattr(weight, "full_tensor") for weight in model.parameters())


def new_sharded(cls: Any, config: Any, workers: int, device: torch.device, seed: int) -> Any:
    """A model with random weights, drawn block by block; ``workers`` processes call this together.

    Args:
        cls: class of transformers.
        seed: the same on every worker, and so are the weights of which each keeps its share.
    """
    from accelerate import init_empty_weights

    with init_empty_weights():
        model = cls(config)
    blocks = {name: copy.deepcopy(block) for name, block in blocks_of(model)}
    distributed, _, mesh = cls.prepare_distribute_model(sharding_options(workers)["distributed_config"])
    model = cls.maybe_distribute_model(model, distributed, mesh)
    model._apply(lambda tensor: _made_real(tensor, device).to(device))
    for number, name in enumerate(list(blocks)):
        # Nobody else holds it: one block at a time is in memory.
        block = blocks.pop(name)
        cast(Any, block)._apply(lambda tensor: _made_real(tensor, torch.device("cpu")))
        torch.manual_seed(seed + number)
        block.apply(model._init_weights)
        _take_share(model.get_submodule(name), block)
    return model


def _made_real(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """``tensor`` with memory behind it; buffers that have some keep what they hold."""
    return torch.empty_like(tensor, device=device) if tensor.is_meta else tensor


@torch.no_grad()
def _take_share(shared: nn.Module, drawn: nn.Module) -> None:
    """Fill the weights of ``shared`` with this worker's part of those of ``drawn``, which every worker has."""
    from torch.distributed.tensor import DTensor, distribute_tensor

    for name, parameter in drawn.named_parameters():
        weight, full = shared.get_parameter(name), parameter.detach()
        if isinstance(weight, DTensor):
            here = distribute_tensor(full, weight.device_mesh, weight.placements, src_data_rank=None)
            weight.to_local().copy_(here.to_local())
        else:
            weight.copy_(full)
    for name, buffer in drawn.named_buffers():
        shared.get_buffer(name).copy_(buffer)


def state_in_parts(model: Any) -> Iterator[dict[str, torch.Tensor]]:
    """The state dict, block by block, whole tensors on the CPU. Every worker has to take every part."""
    for name, block in blocks_of(model):
        state = block.state_dict(prefix=prefix_of(name))
        yield {path: whole(tensor).cpu() for path, tensor in state.items()}


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """All of a weight of which every worker has a share; they ask for it together."""
    full: torch.Tensor = tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
    return full


def blocks_of(model: Any) -> Iterator[tuple[str, nn.Module]]:
    """Parts of a model that together have all weights, and each of them once: the decoder's layers, what lies beside
    them, and what the modules around them hold themselves. The whole model's name is empty."""
    yield from _below("", model, model.get_decoder().layers)


def prefix_of(block: str) -> str:
    """What stands before the names of a block's weights."""
    return f"{block}." if block else ""


def _below(path: str, module: nn.Module, layers: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, child in module.named_children():
        inner = prefix_of(path) + name
        if layers in child.modules():
            yield from _below(inner, child, layers)
        else:
            yield inner, child
    own = _without_children(module)
    if own.state_dict():
        yield path, own


def _without_children(module: nn.Module) -> nn.Module:
    """A module of the same class with the same weights, and none below it."""
    # Not copy.copy: FSDP2 gives a model a class that makes a new one of what is copied.
    own: nn.Module = object.__new__(type(module))
    own.__dict__.update(module.__dict__)
    own._parameters, own._buffers, own._modules = module._parameters.copy(), module._buffers.copy(), {}
    return own
