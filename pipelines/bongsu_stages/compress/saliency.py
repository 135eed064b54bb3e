"""How much each routed expert contributes (REAP: Lasby et al., arXiv 2510.13999).

The saliency of an expert is the mean, over the tokens that the router sends to it, of its router weight times the
norm of its output. Computed in the pass that moves hidden states through the layer, so every expert runs once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from bongsu_stages.compress.experts import ExpertPass, observe


@dataclass
class ExpertStatistics:
    """Sums over calibration tokens, float64 of shape ``[experts]``."""

    weighted_norm: torch.Tensor
    tokens: torch.Tensor

    @classmethod
    def empty(cls, experts: int) -> ExpertStatistics:
        return cls(torch.zeros(experts, dtype=torch.float64), torch.zeros(experts, dtype=torch.float64))

    @property
    def reap(self) -> torch.Tensor:
        """Mean of weight times norm; 0 for an expert that no token was sent to."""
        return self.weighted_norm / self.tokens.clamp(min=1)

    def add(self, done: ExpertPass) -> None:
        self.weighted_norm[done.expert] += (done.weight.double() * done.result.double().norm(dim=-1)).sum().cpu()
        self.tokens[done.expert] += len(done.given)


@contextmanager
def watch(experts: Any) -> Iterator[ExpertStatistics]:
    """Statistics that fill whenever the fused ``experts`` run within it."""
    statistics = ExpertStatistics.empty(experts.num_experts)
    with observe(experts, statistics.add):
        yield statistics
