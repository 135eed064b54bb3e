"""Running the routed experts of a layer one by one, so that each can be looked at while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional


@dataclass(frozen=True)
class ExpertPass:
    """What one expert did with the tokens that the router sent to it.

    Attributes:
        expert: its index.
        given: input ``[tokens, hidden]``.
        inner: what its down projection gets, ``[tokens, width]``.
        result: output ``[tokens, hidden]``, not yet weighted.
        weight: the router's weight of each token, ``[tokens]``.
    """

    expert: int
    given: torch.Tensor
    inner: torch.Tensor
    result: torch.Tensor
    weight: torch.Tensor


def experts_of(layer: Any) -> Any | None:
    """The fused routed experts of a layer, or None if it is dense."""
    return getattr(layer.mlp, "experts", None)


@contextmanager
def observe(experts: Any, look: Callable[[ExpertPass], None]) -> Iterator[None]:
    """Within it, the forward pass of fused experts is one that computes the same and shows each expert's part."""

    def forward(
        hidden: torch.Tensor, chosen: torch.Tensor, weights: torch.Tensor, *_args: Any, **_kwargs: Any
    ) -> torch.Tensor:
        out = torch.zeros_like(hidden)
        for expert in torch.unique(chosen).tolist():
            rows, place = (chosen == expert).nonzero(as_tuple=True)
            done = _run(experts, expert, hidden[rows], weights[rows, place])
            look(done)
            out.index_add_(0, rows, (done.result * done.weight[:, None]).to(out.dtype))
        return out

    experts.forward = forward
    try:
        yield
    finally:
        # It holds the experts that hold it: their weights would stay until the collector of cycles happens to run.
        del experts.forward


def _run(experts: Any, expert: int, given: torch.Tensor, weight: torch.Tensor) -> ExpertPass:
    gate, up = functional.linear(given, experts.gate_up_proj[expert]).chunk(2, dim=-1)
    inner = experts.act_fn(gate) * up
    return ExpertPass(expert, given, inner, functional.linear(inner, experts.down_proj[expert]), weight)
