"""What a quantised model says of itself: ``quantization_config`` in the terms of compressed-tensors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

# The weights of A.X K2's indexer are small, and transformers keeps them in fp32.
_ROUTED = re.compile(r"\.experts\.\d+\.")
_MATRIX = re.compile(r"(?<!indexer\.weights)_proj(?:_with_mqa)?\.weight$")


def is_quantised(name: str, shape: tuple[int, ...], ignore: Sequence[str]) -> bool:
    """True for a linear layer's weight that no pattern of ``ignore`` names."""
    if len(shape) != 2 or not _MATRIX.search(name):
        return False
    module = name.removesuffix(".weight")
    return not any(re.search(pattern, module) for pattern in ignore)


def is_routed_expert(name: str) -> bool:
    """True for a weight of one routed expert, by its name in a checkpoint."""
    return bool(_ROUTED.search(name))


def expertless(name: str) -> str:
    """The name that a routed expert's weight shares with those of the other experts of its layer."""
    return _ROUTED.sub(".experts.*.", name)


def quantization_config(scheme: str, group: int, ignored: Sequence[str]) -> dict[str, Any]:
    """For ``config.json``.

    Args:
        scheme: ``W4A16`` or ``FP8``.
        group: columns that share a scale, of W4A16.
        ignored: names of linear modules that stay as they are.
    """
    common: dict[str, Any] = {
        "symmetric": True,
        "dynamic": False,
        "actorder": None,
        "block_structure": None,
        "observer": "minmax",
        "observer_kwargs": {},
    }
    if scheme == "W4A16":
        weights = {**common, "num_bits": 4, "type": "int", "strategy": "group", "group_size": group}
        activations, form = None, "pack-quantized"
    else:
        weights = {**common, "num_bits": 8, "type": "float", "strategy": "channel", "group_size": None}
        activations = {**common, "num_bits": 8, "type": "float", "strategy": "token", "dynamic": True}
        activations |= {"group_size": None, "observer": None}
        form = "float-quantized"
    group_0 = {
        "targets": ["Linear"],
        "weights": weights,
        "input_activations": activations,
        "output_activations": None,
        "format": form,
    }
    return {
        "quant_method": "compressed-tensors",
        "format": form,
        "quantization_status": "compressed",
        "global_compression_ratio": None,
        "config_groups": {"group_0": group_0},
        "ignore": list(ignored),
        "kv_cache_scheme": None,
    }
