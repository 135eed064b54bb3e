"""An independent reading of a model tree: packed and scaled weights turned back into plain ones.

Written from the compressed-tensors format (``pack-quantized``: int4 or int8 values, offset by half their range, packed
little end first into int32 along the input dimension; ``float-quantized``: float8 values) and not with its library, so
that a fault of the loader shows as a difference.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

_SUFFIXES = (".weight_packed", ".weight_scale", ".weight_shape", ".weight_zero_point", ".weight_g_idx")


def write_plain(source: Path, target: Path) -> None:
    """Write the tree at ``source`` to ``target`` with plain bf16 or fp32 weights and no quantisation.

    Raises:
        ValueError: an entry cannot be read back, e.g. a scale of the wrong shape.
    """
    target.mkdir(parents=True, exist_ok=True)
    config = json.loads((source / "config.json").read_text())
    quantised = config.pop("quantization_config", None)
    (target / "config.json").write_text(json.dumps(config))
    if (source / "generation_config.json").exists():
        (target / "generation_config.json").write_text((source / "generation_config.json").read_text())
    bits = weight_bits(quantised)
    tensors = dict(_entries(source))
    plain = {}
    for name, tensor in tensors.items():
        if name.endswith(".weight_packed"):
            stem = name.removesuffix("_packed")
            # What is unpacked is a weight in the scale's type again: the product is rounded to it.
            scale = tensors[stem + "_scale"]
            plain[stem] = unpack(tensors, name.removesuffix(".weight_packed"), bits).to(scale.dtype)
        elif tensor.dtype == torch.float8_e4m3fn:
            if name + "_scale" not in tensors:
                raise ValueError(f"{name} is float8 and has no scale")
            scale = tensors[name + "_scale"]
            plain[name] = (tensor.float() * scale.float()).to(scale.dtype).contiguous()
        elif not name.endswith(_SUFFIXES):
            plain[name] = tensor
    save_file(plain, target / "model.safetensors", metadata={"format": "pt"})


def weight_bits(quantised: dict[str, Any] | None) -> int:
    """Bits of packed weights, from ``quantization_config``; 4 where it does not say."""
    groups = (quantised or {}).get("config_groups", {})
    found = [group["weights"]["num_bits"] for group in groups.values() if group.get("weights")]
    return int(found[0]) if found else 4


def unpack(tensors: dict[str, torch.Tensor], stem: str, bits: int) -> torch.Tensor:
    """Plain fp32 weight ``[out, in]`` of a packed linear layer."""
    packed, scale = tensors[f"{stem}.weight_packed"], tensors[f"{stem}.weight_scale"].float()
    rows, columns = (int(n) for n in tensors[f"{stem}.weight_shape"].flatten())
    per_word = 32 // bits
    shifts = torch.arange(0, 32, bits, dtype=torch.int32)
    values = (packed.unsqueeze(-1) >> shifts) & ((1 << bits) - 1)
    values = values.reshape(packed.shape[0], -1)[:rows, :columns].float()
    if values.shape != (rows, columns):
        raise ValueError(f"{stem}: {packed.shape[1]} words of {per_word} values are fewer than {columns} columns")
    zero = tensors.get(f"{stem}.weight_zero_point")
    offset = float(1 << (bits - 1))
    groups = scale.shape[1] if scale.dim() == 2 else 1
    if scale.shape[0] not in (rows, 1) or columns % groups:
        raise ValueError(f"{stem}: a scale of shape {tuple(scale.shape)} does not fit {rows} x {columns}")
    grouped = values.view(rows, groups, columns // groups) - offset
    if zero is not None and zero.dtype != torch.int32:
        grouped = grouped - zero.float().reshape(rows, groups, 1)
    return (grouped * scale.reshape(scale.shape[0], groups, 1)).reshape(rows, columns).contiguous()


def _entries(source: Path) -> Iterator[tuple[str, torch.Tensor]]:
    for path in sorted(source.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            for name in file.keys():  # noqa: SIM118 - safe_open is no mapping
                yield name, file.get_tensor(name)
