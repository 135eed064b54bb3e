"""Cross entropy of the next token, as a sum, so that batches of unequal size add up right."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from bongsu_stages.train.batches import IGNORED, Batch


def logits_of(model: Any, batch: Batch) -> torch.Tensor:
    """Logits of shape ``[sequences, tokens, vocabulary]``."""
    inputs = {"input_ids": batch.input_ids}
    if batch.attention_mask is not None:
        inputs["attention_mask"] = batch.attention_mask
    logits: torch.Tensor = model(**inputs, use_cache=False).logits
    return logits


def summed_cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Sum over all positions whose next token's label is not IGNORED; a scalar in nats, in fp32."""
    flat = logits[:, :-1].reshape(-1, logits.size(-1)).float()
    return F.cross_entropy(flat, labels[:, 1:].reshape(-1), ignore_index=IGNORED, reduction="sum")
