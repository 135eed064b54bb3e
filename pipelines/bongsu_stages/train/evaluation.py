"""Held-out loss while training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from bongsu_stages.models.device import autocast
from bongsu_stages.train.batches import HeldOut
from bongsu_stages.train.loss import logits_of, summed_cross_entropy
from bongsu_stages.train.workers import WorkerGroup


@torch.no_grad()
def held_out_losses(
    model: Any, parts: Sequence[HeldOut], size: int, dtype: torch.dtype, workers: WorkerGroup
) -> dict[str, float]:
    """Mean loss in nats per token and perplexity of each part: ``heldout_loss.NAME``, ``perplexity.NAME``.

    Every worker takes a share; the model is left in evaluation mode.
    """
    model.eval()
    figures: dict[str, float] = {}
    for part in parts:
        sums = torch.zeros(2, dtype=torch.float64, device=workers.device)
        for batch in part.batches(size, workers.rank, workers.size):
            moved = batch.to(workers.device)
            with autocast(workers.device, dtype):
                logits = logits_of(model, moved)
            sums += torch.stack(
                [summed_cross_entropy(logits, moved.labels).double(), sums.new_tensor(float(moved.targets))]
            )
        total, count = workers.sum(sums).tolist()
        loss = total / max(count, 1.0)
        figures[f"heldout_loss.{part.name}"] = loss
        figures[f"perplexity.{part.name}"] = math.exp(min(loss, 700.0))
    return figures
