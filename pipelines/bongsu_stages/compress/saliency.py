"""How much each routed expert contributes (REAP: Lasby et al., arXiv 2510.13999).

The saliency of an expert is the mean, over the tokens that the router sends to it, of its router weight times the
norm of its output. Computed in the pass that moves hidden states through the layer, so every expert runs once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional


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


def watch(experts: Any) -> ExpertStatistics:
    """Replace the forward pass of fused experts by one that also fills the statistics it returns."""
    statistics = ExpertStatistics.empty(experts.num_experts)

    def forward(
        hidden: torch.Tensor, chosen: torch.Tensor, weights: torch.Tensor, *_args: Any, **_kwargs: Any
    ) -> torch.Tensor:
        out = torch.zeros_like(hidden)
        for expert in torch.unique(chosen).tolist():
            rows, place = (chosen == expert).nonzero(as_tuple=True)
            result = run_expert(experts, expert, hidden[rows])
            weight = weights[rows, place]
            statistics.weighted_norm[expert] += (weight.double() * result.double().norm(dim=-1)).sum().cpu()
            statistics.tokens[expert] += len(rows)
            out.index_add_(0, rows, (result * weight[:, None]).to(out.dtype))
        return out

    experts.forward = forward
    return statistics


def run_expert(experts: Any, expert: int, hidden: torch.Tensor) -> torch.Tensor:
    """Output ``[tokens, hidden]`` of one expert."""
    gate, up = functional.linear(hidden, experts.gate_up_proj[expert]).chunk(2, dim=-1)
    return functional.linear(experts.act_fn(gate) * up, experts.down_proj[expert])
