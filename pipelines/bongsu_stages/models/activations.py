"""Rounding of activations, as models do that are quantised with ``input_activations``.

The loader of compressed-tensors does it where it can hold the model; this is for models that are spread. It knows one
way, that of the schemes that ``compress.quantize`` writes: float8, a scale for each token, found as it comes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from bongsu_stages.runtime.stage import StageError

_FP8 = torch.float8_e4m3fn
_SMALLEST = 1e-12


def rounds_activations(config: Mapping[str, Any]) -> bool:
    """True if part of the model's arithmetic is that inputs of linear layers are rounded."""
    groups = (config.get("quantization_config") or {}).get("config_groups", {})
    return any(group.get("input_activations") for group in groups.values())


def round_activations(model: nn.Module, config: Mapping[str, Any]) -> None:
    """Let every linear layer of ``model`` that is not ignored round its input to float8, token by token.

    Raises:
        StageError: the config asks for another way of rounding, or for layers of its own choice.
    """
    _refuse_others(config)
    ignored = (config["quantization_config"]).get("ignore") or []
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and not any(_names(entry, name) for entry in ignored):
            module.register_forward_pre_hook(_round_input)


def _refuse_others(config: Mapping[str, Any]) -> None:
    for group in config["quantization_config"]["config_groups"].values():
        asked = group.get("input_activations")
        if not asked:
            continue
        kind = f"{asked.get('type', 'int')}{asked.get('num_bits', 8)}"
        way = (kind, asked.get("strategy"), asked.get("dynamic"), tuple(group.get("targets", ())))
        if way != ("float8", "token", True, ("Linear",)):
            layers = ", ".join(group.get("targets", ())) or "none"
            raise StageError(
                f"The model rounds activations to {kind} (strategy {way[1]}, dynamic {way[2]}, layers {layers}), which "
                "is not known here for a model that lies in several places.",
                "Give the stage enough memory to hold the model in one place, or evaluate it before quantisation.",
            )


def _names(entry: str, module: str) -> bool:
    """Entries are names of modules, or regular expressions behind ``re:``."""
    if entry.startswith("re:"):
        return re.match(entry.removeprefix("re:"), module) is not None
    return entry == module


def _round_input(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    given = inputs[0]
    scale = (given.abs().amax(dim=-1, keepdim=True).float() / torch.finfo(_FP8).max).clamp(min=_SMALLEST)
    rounded = (given.float() / scale).to(_FP8).float() * scale
    return (rounded.to(given.dtype), *inputs[1:])
