"""Rounding of activations, as models do that are quantised with ``input_activations``.

The loader of compressed-tensors does it where it can hold the model; this is for models that are spread, and for the
gate's own reading. It knows one way, that of the schemes that ``compress.quantize`` writes: float8, a scale for each
token, found as it comes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu_stages.runtime.stage import StageError

_FP8 = torch.float8_e4m3fn
_KNOWN = "float8, symmetric, dynamic, by token for Linear"


def rounds_activations(config: Mapping[str, Any]) -> bool:
    """True if part of the model's arithmetic is that what goes into layers, or comes out, is rounded."""
    quantised = config.get("quantization_config") or {}
    groups = quantised.get("config_groups", {}).values()
    return bool(quantised.get("kv_cache_scheme")) or any(
        group.get("input_activations") or group.get("output_activations") for group in groups
    )


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


def knows_rounding(config: Mapping[str, Any]) -> bool:
    """True if :func:`round_activations` rounds as ``config`` asks for, to the last bit."""
    # With a second group it would depend on a layer's name which of them it belongs to.
    return _asked(config) == [_KNOWN]


def _asked(config: Mapping[str, Any]) -> list[str]:
    quantised = config["quantization_config"]
    groups = list(quantised.get("config_groups", {}).values())
    asked = [_way(group) for group in groups]
    if any(group.get("output_activations") for group in groups):
        asked.append("what layers give")
    if quantised.get("kv_cache_scheme"):
        asked.append("the cache of keys and values")
    return asked


def _refuse_others(config: Mapping[str, Any]) -> None:
    if not knows_rounding(config):
        raise StageError(
            phrase(
                N_(
                    "The model rounds activations in a way that is not known here for a model that lies in several "
                    "places: {asked}. Known is: {known}."
                ),
                asked="; ".join(_asked(config)),
                known=_KNOWN,
            ),
            N_("Give the stage enough memory to hold the model in one place, or evaluate it before quantisation."),
        )


def _way(group: Mapping[str, Any]) -> str:
    """What a group asks for, in words; fields that are not written have the defaults of compressed-tensors."""
    layers = ", ".join(group.get("targets") or ()) or "no layers"
    args = group.get("input_activations")
    if not args:
        return f"nothing for {layers}"
    kind = f"{args.get('type', 'int')}{args.get('num_bits', 8)}"
    symmetry = "symmetric" if args.get("symmetric", True) else "asymmetric"
    when = {True: "dynamic", False: "static"}.get(args.get("dynamic", False), str(args.get("dynamic")))
    return f"{kind}, {symmetry}, {when}, by {args.get('strategy') or 'default'} for {layers}"


def _names(entry: str, module: str) -> bool:
    """Entries are names of modules, or regular expressions behind ``re:``."""
    if entry.startswith("re:"):
        return re.match(entry.removeprefix("re:"), module) is not None
    return entry == module


def _round_input(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    # As the library does. In the type that is computed in: a finer scale would put some numbers on other levels. And
    # with a scale for each place in the first two dimensions, which are not a token's where there are more than three.
    given, limit = inputs[0], torch.finfo(_FP8).max
    scale = given.abs().amax(dim=tuple(range(2, given.dim())), keepdim=True) / limit
    scale = torch.where(scale == 0, torch.finfo(given.dtype).eps, scale)
    rounded = (given / scale).clamp(-limit, limit).to(_FP8).to(given.dtype) * scale
    return (rounded, *inputs[1:])
