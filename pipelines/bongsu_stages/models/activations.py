"""Rounding of activations, as models do that are quantised with ``input_activations``.

The loader of compressed-tensors does it where it can hold the model; this is for models that are spread.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

_FP8 = torch.float8_e4m3fn
_SMALLEST = 1e-12


def rounds_activations(config: Mapping[str, Any]) -> bool:
    """True if part of the model's arithmetic is that inputs of linear layers are rounded."""
    groups = (config.get("quantization_config") or {}).get("config_groups", {})
    return any(group.get("input_activations") for group in groups.values())


def round_activations(model: nn.Module, config: Mapping[str, Any]) -> None:
    """Let every linear layer of ``model`` that is not ignored round its input to float8, token by token."""
    ignored = (config["quantization_config"]).get("ignore") or []
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and not any(_names(entry, name) for entry in ignored):
            module.register_forward_pre_hook(_round_input)


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
