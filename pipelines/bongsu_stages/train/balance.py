"""Keeping experts equally loaded without an auxiliary loss.

After each optimizer step the router's bias of an expert that got more tokens than the mean goes down by a fixed
amount, of one that got fewer up (DeepSeek-V3 technical report, arXiv:2412.19437, section 2.1.2). The bias is a
buffer, ``e_score_correction_bias``, which transformers reads and never updates.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

BIAS = "e_score_correction_bias"
_CHOSEN_EXPERTS = 2
"""Place of the expert indices in what a router returns: (logits, weights, indices)."""


class RouterBalance:
    """Counts tokens per expert in every router of ``model`` and moves the biases.

    Args:
        model: routers are the modules that own a buffer ``e_score_correction_bias`` of shape ``[experts]``.
        rate: how far a bias moves per step; 0 only counts.
    """

    def __init__(self, model: nn.Module, rate: float) -> None:
        self._rate = rate
        self._is_counting = False
        self._routers = [module for module in model.modules() if BIAS in module._buffers]
        self._counts = [torch.zeros_like(self._bias(router), dtype=torch.float32) for router in self._routers]
        self._hooks = [router.register_forward_hook(self._counter(i)) for i, router in enumerate(self._routers)]
        self.busiest: torch.Tensor | float = 0.0
        """Load of the busiest expert of any layer at the last step, over the mean load; 1 is perfect balance."""

    def _bias(self, router: nn.Module) -> torch.Tensor:
        bias = router._buffers[BIAS]
        assert bias is not None
        return bias

    def _counter(self, index: int) -> Any:
        def count(_module: nn.Module, _inputs: Any, outputs: Any) -> None:
            if self._is_counting:
                chosen = outputs[_CHOSEN_EXPERTS].reshape(-1)
                counts = self._counts[index]
                # bincount would wait for a GPU to tell the largest index.
                counts.index_add_(0, chosen, torch.ones_like(chosen, dtype=counts.dtype))

        return count

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Tokens that pass the routers within the block count. What runs again in a backward pass, to save memory,
        has been counted."""
        self._is_counting = True
        try:
            yield
        finally:
            self._is_counting = False

    def take(self) -> torch.Tensor:
        """Tokens of this worker per router and expert since the last call, flat; empty without routers."""
        if not self._routers:
            return torch.zeros(0)
        taken = torch.cat(self._counts)
        for counts in self._counts:
            counts.zero_()
        return taken

    @torch.no_grad()
    def step(self, taken: torch.Tensor) -> None:
        """Move every bias by what the tokens of all workers tell: the sum of their :meth:`take`."""
        if not self._routers:
            return
        # All routers of a model have as many experts as the first.
        load = taken.reshape(len(self._routers), -1).to(self._counts[0].dtype)
        mean = load.mean(dim=1, keepdim=True)
        self.busiest = (load / mean.clamp(min=1)).max()
        direction = torch.sign(mean - load)
        for router, move in zip(self._routers, direction, strict=True):
            self._bias(router).add_(move, alpha=self._rate)

    def close(self) -> None:
        for hook in self._hooks:
            hook.remove()
