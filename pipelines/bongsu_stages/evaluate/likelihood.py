"""Log-likelihoods of token sequences under a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from bongsu_stages.models.placement import input_device

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@torch.inference_mode()
def sequence_losses(
    model: PreTrainedModel, sequences: npt.NDArray[np.int64], micro_batch: int
) -> tuple[list[float], list[int]]:
    """Summed negative log-likelihood in nats and number of predicted tokens, of each sequence.

    Args:
        model: in evaluation mode, on its device.
        sequences: int64 of shape ``[count, length]``.
        micro_batch: sequences in one forward pass.
    """
    losses: list[float] = []
    for start in range(0, len(sequences), micro_batch):
        batch = torch.from_numpy(sequences[start : start + micro_batch]).to(input_device(model))
        logits: Any = model(input_ids=batch, use_cache=False).logits.float()
        flat = functional.cross_entropy(
            logits[:, :-1].reshape(-1, logits.size(-1)),
            batch[:, 1:].reshape(-1).to(logits.device),
            reduction="none",
        )
        losses += flat.view(len(batch), -1).double().sum(dim=1).tolist()
    return losses, [sequences.shape[1] - 1] * len(sequences)


@torch.inference_mode()
def continuation_loss(model: PreTrainedModel, prompt: list[int], continuation: list[int]) -> float:
    """Negative log-likelihood in nats of ``continuation`` behind ``prompt``."""
    ids = torch.tensor([prompt + continuation], device=input_device(model))
    logits: Any = model(input_ids=ids, use_cache=False).logits.float()[0, len(prompt) - 1 : -1]
    target = torch.tensor(continuation, device=logits.device)
    return float(functional.cross_entropy(logits, target, reduction="sum"))
