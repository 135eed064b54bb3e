"""GPTQ over a whole model, one decoder layer at a time, experts by the tokens that reach them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from bongsu_stages.compress.gptq import gptq_levels, second_moments
from bongsu_stages.compress.layer_files import LayerFiles
from bongsu_stages.compress.layers import LayerStream, experts_of
from bongsu_stages.compress.rounding import packed

# An expert that fewer tokens reach than it has columns gives moments of too low a rank to trust.
MIN_TOKENS_PER_COLUMN = 0.5


def calibrate(
    stream: LayerStream, chosen: set[str], group: int, files: LayerFiles, progress: Callable[[int], None]
) -> None:
    """Put every weight in ``chosen`` that enough tokens reach into ``files``, quantised.

    Inputs are those of the unquantised model: layers do not see each other's rounding errors.
    """
    for index, layer in stream:
        moments = _Moments(layer)
        stream.advance(layer)
        moments.close()
        files.put(index, dict(_quantised(moments, f"model.layers.{index}.", chosen, group)))
        progress(index + 1)
        del layer


def _quantised(
    moments: _Moments, prefix: str, chosen: set[str], group: int
) -> Iterator[tuple[str, dict[str, torch.Tensor]]]:
    for names, weight, seen in moments.weights():
        full = [prefix + name for name in names]
        if seen is None or seen.tokens < MIN_TOKENS_PER_COLUMN * weight.shape[1] or not chosen.intersection(full):
            continue
        try:
            levels, scales = gptq_levels(weight.float(), seen.moments, group)
        except torch.linalg.LinAlgError:  # type: ignore[attr-defined]  # left to rounding, as with too few tokens
            continue
        for name, own, scale in zip(
            full, levels.cpu().chunk(len(full)), scales.cpu().chunk(len(full)), strict=True
        ):
            if name in chosen:
                yield name, packed(own.contiguous(), scale)


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

    def weights(self) -> Iterator[tuple[list[str], torch.Tensor, _Seen | None]]:
        """(names as on disk, weight, moments or None) of everything that is multiplied.

        Two names share the rows of a weight, half each: rows do not depend on each other, so one pass does both.
        """
        for name, module in self._layer.named_modules():
            if isinstance(module, torch.nn.Linear):
                yield [f"{name}.weight"], module.weight.detach(), self._seen.get(f"{name}.weight")
        experts: Any = experts_of(self._layer)
        for expert in range(experts.num_experts if experts is not None else 0):
            stem = f"mlp.experts.{expert}"
            both = [f"{stem}.gate_proj.weight", f"{stem}.up_proj.weight"]
            yield both, experts.gate_up_proj[expert].detach(), self._seen.get(f"{stem}.in")
            down = f"{stem}.down_proj.weight"
            yield [down], experts.down_proj[expert].detach(), self._seen.get(down)

    def close(self) -> None:
        for hook in self._hooks:
            hook.remove()
