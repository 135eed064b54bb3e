"""One model on several workers: replicated (DDP) or shared (FSDP2)."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from bongsu_stages.train.workers import WorkerGroup


def replicate(model: nn.Module, workers: WorkerGroup) -> nn.Module:
    """Wrap a whole model so that workers average their gradients; a single worker needs no wrapper."""
    if workers.size == 1 or is_sharded(model):
        return model
    devices = [workers.device] if workers.device.type == "cuda" else None
    # Buffers (the routers' biases) are moved by the same sums on every worker; sending them costs and adds nothing.
    return DistributedDataParallel(
        model, device_ids=devices, forward_sync_buffers=False, gradient_as_bucket_view=True
    )


def shard(model: Any, workers: WorkerGroup) -> nn.Module:
    """Split weights, gradients and optimizer over the workers, one decoder layer at a time (FSDP2)."""
    from torch.distributed.fsdp import fully_shard

    if workers.size > 1:
        for layer in model.get_decoder().layers:
            fully_shard(layer)
        fully_shard(model)
    return model  # type: ignore[no-any-return]


def is_sharded(model: nn.Module) -> bool:
    return any(hasattr(weight, "full_tensor") for weight in model.parameters())


def bare(model: nn.Module) -> nn.Module:
    """The model without its wrapper."""
    return model.module if isinstance(model, DistributedDataParallel) else model


def exchange_gradients(model: Any, now: bool) -> None:
    """Whether the next backward pass exchanges gradients, or only adds them up on each worker."""
    if isinstance(model, DistributedDataParallel):
        model.require_backward_grad_sync = now
    elif hasattr(model, "set_requires_gradient_sync"):
        model.set_requires_gradient_sync(now)


def gather_weights(model: nn.Module) -> dict[str, torch.Tensor]:
    """The whole state dict, on the CPU of the first worker; empty on the others. Every worker calls it."""
    if not is_sharded(model):
        return dict(model.state_dict())
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    return cast(dict[str, torch.Tensor], get_model_state_dict(model, options=options))
