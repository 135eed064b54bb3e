"""GPTQ over a whole model, one decoder layer at a time, experts by the tokens that reach them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn import functional

from bongsu_stages.compress.gptq import gptq_levels, second_moments
from bongsu_stages.compress.layers import LayerStream, experts_of

# An expert that fewer tokens reach than it has columns gives moments of too low a rank to trust.
MIN_TOKENS_PER_COLUMN = 0.5


@dataclass
class Levels:
    """Levels and scales by name of the weight; ``rounded`` had too few tokens and is left to plain rounding."""

    found: dict[str, tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)
    rounded: list[str] = field(default_factory=list)


def calibrated_levels(stream: LayerStream, chosen: set[str], group: int, progress: Callable[[int], None]) -> Levels:
    """Levels of every weight in ``chosen`` that belongs to a decoder layer.

    Inputs are those of the unquantised model: layers do not see each other's rounding errors.
    """
    levels = Levels()
    for index, layer in stream:
        moments = _Moments(layer)
        stream.advance(layer)
        moments.close()
        prefix = f"model.layers.{index}."
        for name, weight, seen in moments.weights():
            full = prefix + name
            if full not in chosen:
                continue
            if seen is None or seen.tokens < MIN_TOKENS_PER_COLUMN * weight.shape[1]:
                levels.rounded.append(full)
                continue
            quantised, scales = gptq_levels(weight.float(), seen.moments, group)
            levels.found[full] = (quantised.cpu(), scales.cpu())
        progress(index + 1)
        del layer
    return levels


@dataclass
class _Seen:
    moments: torch.Tensor
    tokens: int = 0

    def add(self, inputs: torch.Tensor) -> None:
        self.moments += second_moments(inputs)
        self.tokens += len(inputs)


class _Moments:
    """Second moments of the input of every linear layer and every expert projection of one decoder layer."""

    def __init__(self, layer: Any) -> None:
        self._layer = layer
        self._seen: dict[str, _Seen] = {}
        self._hooks = []
        for name, module in layer.named_modules():
            if isinstance(module, torch.nn.Linear):
                self._hooks.append(module.register_forward_pre_hook(self._watch(name)))
        experts = experts_of(layer)
        if experts is not None:
            experts.forward = self._expert_forward(experts)

    def _watch(self, name: str) -> Any:
        def look(_module: Any, inputs: tuple[torch.Tensor, ...]) -> None:
            self._add(f"{name}.weight", inputs[0].reshape(-1, inputs[0].shape[-1]))

        return look

    def _add(self, name: str, inputs: torch.Tensor) -> None:
        if name not in self._seen:
            width = inputs.shape[-1]
            self._seen[name] = _Seen(torch.zeros(width, width, device=inputs.device))
        self._seen[name].add(inputs)

    def _expert_forward(self, experts: Any) -> Any:
        def forward(hidden: torch.Tensor, indices: torch.Tensor, weights: torch.Tensor, *_a: Any, **_k: Any) -> Any:
            out = torch.zeros_like(hidden)
            for expert in torch.unique(indices).tolist():
                rows, place = (indices == expert).nonzero(as_tuple=True)
                given = hidden[rows]
                gate, up = functional.linear(given, experts.gate_up_proj[expert]).chunk(2, dim=-1)
                inner = experts.act_fn(gate) * up
                self._add(f"mlp.experts.{expert}.in", given)
                self._add(f"mlp.experts.{expert}.down_proj.weight", inner)
                result = functional.linear(inner, experts.down_proj[expert])
                out.index_add_(0, rows, (result * weights[rows, place][:, None]).to(out.dtype))
            return out

        return forward

    def weights(self) -> Any:
        """(name as on disk, weight, moments or None) of everything that is multiplied."""
        for name, module in self._layer.named_modules():
            if isinstance(module, torch.nn.Linear):
                yield f"{name}.weight", module.weight, self._seen.get(f"{name}.weight")
        experts: Any = experts_of(self._layer)
        for expert in range(experts.num_experts if experts is not None else 0):
            gate, up = experts.gate_up_proj[expert].chunk(2, dim=0)
            shared = self._seen.get(f"mlp.experts.{expert}.in")
            yield f"mlp.experts.{expert}.gate_proj.weight", gate, shared
            yield f"mlp.experts.{expert}.up_proj.weight", up, shared
            down = f"mlp.experts.{expert}.down_proj.weight"
            yield down, experts.down_proj[expert], self._seen.get(down)

    def close(self) -> None:
        for hook in self._hooks:
            hook.remove()
