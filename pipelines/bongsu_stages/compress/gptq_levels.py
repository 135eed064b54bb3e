"""GPTQ over a whole model, one decoder layer at a time, experts by the tokens that reach them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import torch

from bongsu_stages.compress.experts import ExpertPass, experts_of, observe
from bongsu_stages.compress.gptq import gptq_levels, second_moments
from bongsu_stages.compress.layer_files import LayerFiles
from bongsu_stages.compress.layers import LayerStream
from bongsu_stages.compress.names import on_disk
from bongsu_stages.compress.rounding import Quantised, packed

# With fewer tokens than columns the moments lack full rank, and errors are passed on along directions of which only the
# damping knows. On inputs that GPTQ did not see, it breaks even with rounding at about one token a column.
MIN_TOKENS_PER_COLUMN = 1.0


class Uncalibrated(StrEnum):
    """Why a weight is left to rounding."""

    NOT_RUN = "it is in no layer that calibration text passes through"
    FEW_TOKENS = "too few tokens reached it"
    SINGULAR = "the moments of its input cannot be inverted"


def calibrate(
    stream: LayerStream, chosen: set[str], group: int, files: LayerFiles, progress: Callable[[int], None]
) -> dict[str, Uncalibrated]:
    """Put every weight in ``chosen`` that enough tokens reach into ``files``, quantised.

    Inputs are those of the unquantised model: layers do not see each other's rounding errors.

    Returns:
        The weights of ``chosen`` that are not in ``files``, and why.
    """
    left = dict.fromkeys(sorted(chosen), Uncalibrated.NOT_RUN)
    for index, layer in stream:
        # In a function of its own, so that nothing of a layer is left when the next one is read.
        found = _calibrated(stream, index, layer, chosen, group)
        left |= {name: pieces for name, pieces in found.items() if isinstance(pieces, Uncalibrated)}
        done = {name: pieces for name, pieces in found.items() if not isinstance(pieces, Uncalibrated)}
        files.put(index, done)
        for name in done:
            del left[name]
        progress(index + 1)
        del layer, found, done
    return left


def _calibrated(
    stream: LayerStream, index: int, layer: Any, chosen: set[str], group: int
) -> dict[str, Quantised | Uncalibrated]:
    """What became of each weight of a layer that is in ``chosen``."""
    moments = _Moments(layer)
    with moments.taken():
        stream.advance(layer)
    found: dict[str, Quantised | Uncalibrated] = {}
    for names, weight, seen in moments.weights():
        full = [on_disk(stream.config.model_type, f"model.layers.{index}.{name}") for name in names]
        if not chosen.intersection(full):
            continue
        pieces = _quantised(full, weight, seen, group)
        for name in chosen.intersection(full):
            found[name] = pieces if isinstance(pieces, Uncalibrated) else pieces[name]
    return found


def _quantised(
    names: list[str], weight: torch.Tensor, seen: _Seen | None, group: int
) -> dict[str, Quantised] | Uncalibrated:
    """Entries of each of the weights that share the rows of ``weight``."""
    if seen is None or seen.tokens < MIN_TOKENS_PER_COLUMN * weight.shape[1]:
        return Uncalibrated.FEW_TOKENS
    try:
        levels, scales = gptq_levels(weight.float(), seen.moments, group)
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        return Uncalibrated.SINGULAR
    parts = zip(names, levels.cpu().chunk(len(names)), scales.cpu().chunk(len(names)), strict=True)
    return {name: packed(own.contiguous(), scale) for name, own, scale in parts}


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

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Within it, what goes into the layer's parts is added up."""
        with ExitStack() as watching:
            for name, module in self._layer.named_modules():
                if isinstance(module, torch.nn.Linear):
                    watching.enter_context(module.register_forward_pre_hook(self._watch(name)))
            experts = experts_of(self._layer)
            if experts is not None:
                watching.enter_context(observe(experts, self._see_expert))
            yield

    def _watch(self, name: str) -> Any:
        def look(_module: Any, inputs: tuple[torch.Tensor, ...]) -> None:
            self._add(f"{name}.weight", inputs[0].reshape(-1, inputs[0].shape[-1]))

        return look

    def _add(self, name: str, inputs: torch.Tensor) -> None:
        if name not in self._seen:
            width = inputs.shape[-1]
            self._seen[name] = _Seen(torch.zeros(width, width, device=inputs.device))
        self._seen[name].add(inputs)

    def _see_expert(self, done: ExpertPass) -> None:
        self._add(f"mlp.experts.{done.expert}.in", done.given)
        self._add(f"mlp.experts.{done.expert}.down_proj.weight", done.inner)

    def weights(self) -> Iterator[tuple[list[str], torch.Tensor, _Seen | None]]:
        """(names, weight, moments or None if it did not run) of everything that is multiplied.

        Names are those of the class, experts one by one.
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
