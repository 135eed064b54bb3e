"""What training minimises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.nn.functional as F

from bongsu_stages.models.device import autocast
from bongsu_stages.train.batches import IGNORED, Batch
from bongsu_stages.train.loss import logits_of, summed_cross_entropy


class Objective(Protocol):
    """A sum over the batch's targets, so that batches of unequal size add up right."""

    def summed(self, logits: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Scalar in nats, fp32; ``logits`` are the trained model's, ``[sequences, tokens, vocabulary]``."""
        ...


class CrossEntropy:
    """Negative log-likelihood of the next token."""

    def summed(self, logits: torch.Tensor, batch: Batch) -> torch.Tensor:
        return summed_cross_entropy(logits, batch.labels)


@dataclass(frozen=True)
class Distillation:
    """Closeness to a teacher's distribution (Hinton et al., arXiv:1503.02531).

    ``alpha * T^2 * KL(teacher || student) + (1 - alpha) * cross entropy``, both distributions softened by the
    temperature ``T``.

    Attributes:
        teacher: in evaluation mode, on the worker's device, its weights frozen.
        dtype: arithmetic of the teacher's forward pass.
    """

    teacher: Any
    temperature: float
    alpha: float
    dtype: torch.dtype

    def summed(self, logits: torch.Tensor, batch: Batch) -> torch.Tensor:
        with torch.no_grad(), autocast(logits.device, self.dtype):
            taught = logits_of(self.teacher, batch)
        counted = (batch.labels[:, 1:] != IGNORED).reshape(-1)
        student = F.log_softmax(self._flat(logits)[counted] / self.temperature, dim=-1)
        teacher = F.log_softmax(self._flat(taught)[counted] / self.temperature, dim=-1)
        divergence = F.kl_div(student, teacher, log_target=True, reduction="sum") * self.temperature**2
        total = self.alpha * divergence
        if self.alpha < 1:
            total = total + (1 - self.alpha) * summed_cross_entropy(logits, batch.labels)
        return total

    @staticmethod
    def _flat(logits: torch.Tensor) -> torch.Tensor:
        return logits[:, :-1].reshape(-1, logits.size(-1)).float()
