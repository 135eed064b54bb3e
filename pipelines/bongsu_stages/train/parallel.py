"""One model on several workers: replicated (DDP) or shared (FSDP2)."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from bongsu_stages.models.sharding import is_sharded
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


def bare(model: nn.Module) -> nn.Module:
    """The model without its wrapper."""
    return model.module if isinstance(model, DistributedDataParallel) else model


def exchange_gradients(model: Any, now: bool) -> None:
    """Whether the next backward pass exchanges gradients, or only adds them up on each worker."""
    if isinstance(model, DistributedDataParallel):
        model.require_backward_grad_sync = now
    elif hasattr(model, "set_requires_gradient_sync"):
        model.set_requires_gradient_sync(now)


def average_replicated(model: nn.Module, workers: WorkerGroup) -> None:
    """Average the gradients of weights that every worker has all of, beside those of a sharded model (an adapter's)."""
    gradients = [
        weight.grad
        for weight in model.parameters()
        if weight.grad is not None and not hasattr(weight, "full_tensor")
    ]
    if not gradients:
        return
    flat = workers.sum(torch.cat([gradient.reshape(-1) for gradient in gradients])) / workers.size
    means = torch.split(flat, [gradient.numel() for gradient in gradients])
    for gradient, mean in zip(gradients, means, strict=True):
        gradient.copy_(mean.view_as(gradient))


def shards_of(parallel: str, workers: WorkerGroup) -> int:
    """Among how many workers a model is split; 1 if each has all of it."""
    return workers.size if parallel == "shard" else 1
