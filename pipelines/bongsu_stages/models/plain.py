"""An independent reading of a model tree: packed and scaled weights turned back into plain ones.

Written from the compressed-tensors format (``pack-quantized``: int2, int4 or int8 values, offset by half their range,
packed little end first into int32 along the input dimension, zero points along the output dimension;
``float-quantized`` and ``int-quantized``: float8 or int8 values) and not with its library, so that a fault of the
loader shows as a difference. What is stored in another way is refused: wrong weights would look like weights.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from bongsu.domain.weights import INDEX
from bongsu_stages.models.fingerprints import fingerprint_of
from bongsu_stages.models.mlmodel import ADAPTER

_SUFFIXES = (
    ".weight_scale",
    ".weight_shape",
    ".weight_zero_point",
    ".weight_g_idx",
    ".input_scale",
    ".input_zero_point",
)
_FORMATS = frozenset({"dense", "pack-quantized", "float-quantized", "int-quantized", "naive-quantized"})
_PACKED_BITS = (2, 4, 8)
_SCALED = (torch.float8_e4m3fn, torch.int8)


def write_plain(source: Path, target: Path) -> None:
    """Write the tree at ``source`` to ``target`` with plain bf16 or fp32 weights and no quantisation.

    File by file: what is in memory is the plain content of one. A tree that is plain already is linked, not copied.

    Raises:
        ValueError: an entry cannot be read back, e.g. a scale of the wrong shape or a format that is not known here.
    """
    target.mkdir(parents=True, exist_ok=True)
    config = json.loads((source / "config.json").read_text())
    quantised = config.pop("quantization_config", None)
    (target / "config.json").write_text(json.dumps(config))
    if (source / "generation_config.json").exists():
        (target / "generation_config.json").write_text((source / "generation_config.json").read_text())
    if quantised is None:
        for path in (*source.glob("*.safetensors"), *source.glob(INDEX)):
            (target / path.name).symlink_to(path.resolve())
        _copy_adapter(source, target)
        return
    check_readable(quantised)
    bits = weight_bits(quantised)
    places: dict[str, str] = {}
    with _Entries(source) as entries:
        _copy_adapter(source, target)
        for file, names in entries.by_file.items():
            plain = dict(_plain(entries, names, bits))
            if plain:
                save_file(plain, target / file, metadata={"format": "pt"})
            places |= dict.fromkeys(plain, file)
    if list(entries.by_file) != ["model.safetensors"]:
        (target / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": places}))


def _copy_adapter(source: Path, target: Path) -> None:
    if (source / ADAPTER).is_dir():
        shutil.copytree(source / ADAPTER, target / ADAPTER)


def plain_fingerprints(directory: Path) -> dict[str, str]:
    """Fingerprint of each entry of the weight files in ``directory``, one in memory at a time."""
    with _Entries(directory) as entries:
        return {name: fingerprint_of(entries[name]) for name in entries}


def _plain(entries: _Entries, names: list[str], bits: int) -> Iterator[tuple[str, torch.Tensor]]:
    """Plain weights for the entries ``names``; scales and the like are part of what they belong to."""
    for name in names:
        if name.endswith(".weight_packed"):
            # What is unpacked is a weight in the scale's type again: the product is rounded to it.
            stem = name.removesuffix(".weight_packed")
            scale = entries[f"{stem}.weight_scale"]
            yield f"{stem}.weight", unpack(entries, stem, bits).to(scale.dtype)
        elif not name.endswith(_SUFFIXES):
            tensor = entries[name]
            yield name, _unscaled(entries, name, tensor) if tensor.dtype in _SCALED else tensor


def check_readable(quantised: Mapping[str, Any]) -> None:
    """Raise ValueError for a ``quantization_config`` that says that weights are stored in a way not known here."""
    method = quantised.get("quant_method", "compressed-tensors")
    if method != "compressed-tensors":
        raise ValueError(f"weights quantised by {method} are not read here, only those of compressed-tensors")
    groups = [group for group in quantised.get("config_groups", {}).values() if group.get("weights")]
    formats = {group.get("format") or quantised.get("format") or "dense" for group in groups}
    sparse = (quantised.get("sparsity_config") or {}).get("format", "dense")
    strange = sorted((formats | {sparse}) - _FORMATS)
    if strange:
        raise ValueError(f"weights of the format {strange[0]} are not read here")


def weight_bits(quantised: Mapping[str, Any] | None) -> int:
    """Bits of packed weights, from ``quantization_config``; 4 where it does not say.

    Raises:
        ValueError: it says several, or a number whose values cross the words that they are packed into.
    """
    groups = (quantised or {}).get("config_groups", {}).values()
    packed = [g["weights"] for g in groups if g.get("weights") and g["weights"].get("type", "int") == "int"]
    found = sorted({int(weights["num_bits"]) for weights in packed})
    if len(found) > 1 or not set(found) <= set(_PACKED_BITS):
        raise ValueError(f"packed weights of {' and '.join(map(str, found))} bits are not read here")
    return found[0] if found else 4


def _unscaled(tensors: Mapping[str, torch.Tensor], name: str, values: torch.Tensor) -> torch.Tensor:
    """Plain weight ``[out, in]`` of one that is stored as float8 or int8, in the scale's type."""
    kind = "float8" if values.dtype.is_floating_point else "int8"
    if f"{name}_scale" not in tensors:
        raise ValueError(f"{name} is {kind} and has no scale")
    scale = tensors[f"{name}_scale"]
    zero = tensors.get(f"{name}_zero_point")
    plain = values.float() - (_spread(zero.float(), values.shape, name) if zero is not None else 0.0)
    return (plain * _spread(scale.float(), values.shape, name)).to(scale.dtype).contiguous()


def _spread(scale: torch.Tensor, shape: torch.Size, name: str) -> torch.Tensor:
    """A figure for the whole tensor, each row, or each block of rows and columns, for every value."""
    if scale.numel() == 1:
        return scale.reshape(())
    if (
        scale.dim() != 2
        or len(shape) != 2
        or any(whole % part for whole, part in zip(shape, scale.shape, strict=True))
    ):
        raise ValueError(f"{name}: a scale of shape {tuple(scale.shape)} does not fit {tuple(shape)}")
    for dimension in (0, 1):
        scale = scale.repeat_interleave(shape[dimension] // scale.shape[dimension], dimension)
    return scale


def unpack(tensors: Mapping[str, torch.Tensor], stem: str, bits: int) -> torch.Tensor:
    """Plain fp32 weight ``[out, in]`` of a packed linear layer."""
    packed, scale = tensors[f"{stem}.weight_packed"], tensors[f"{stem}.weight_scale"].float()
    if packed.dtype != torch.int32:
        raise ValueError(f"{stem}: weights packed into {packed.dtype} are not read here")
    order = tensors.get(f"{stem}.weight_g_idx")
    if order is not None and bool((order >= 0).any()):
        raise ValueError(f"{stem}: columns in the order of their activations (g_idx) are not read here")
    rows, columns = (int(n) for n in tensors[f"{stem}.weight_shape"].flatten())
    values = _values(packed, bits)[:rows, :columns]
    if values.shape != (rows, columns):
        raise ValueError(f"{stem}: {packed.shape[1]} words of {32 // bits} values are fewer than {columns} columns")
    groups = scale.shape[1] if scale.dim() == 2 else 1
    if scale.shape[0] not in (rows, 1) or columns % groups:
        raise ValueError(f"{stem}: a scale of shape {tuple(scale.shape)} does not fit {rows} x {columns}")
    zero = _zero_points(tensors.get(f"{stem}.weight_zero_point"), rows, groups, bits, stem)
    grouped = values.view(rows, groups, columns // groups) - zero
    return (grouped * scale.reshape(scale.shape[0], groups, 1)).reshape(rows, columns).contiguous()


def _values(packed: torch.Tensor, bits: int) -> torch.Tensor:
    """Unsigned values as fp32, ``32 / bits`` of each word along the last dimension."""
    shifts = torch.arange(0, 32, bits, dtype=torch.int32)
    return ((packed.unsqueeze(-1) >> shifts) & ((1 << bits) - 1)).reshape(packed.shape[0], -1).float()


def _zero_points(zero: torch.Tensor | None, rows: int, groups: int, bits: int, stem: str) -> torch.Tensor:
    """What stands for zero among the unsigned values: half their range, and what is stored beyond it."""
    half = torch.tensor(float(1 << (bits - 1)))
    if zero is None:
        return half
    if zero.dtype != torch.int32:  # not packed
        return zero.float().reshape(rows, groups, 1) + half
    unpacked = _values(zero.T.contiguous(), bits).T[:rows]
    if unpacked.shape != (rows, groups):
        raise ValueError(f"{stem}: zero points of shape {tuple(zero.shape)} do not fit {rows} x {groups} groups")
    return unpacked.reshape(rows, groups, 1)


class _Entries(Mapping[str, torch.Tensor]):
    """Tensors of all weight files of a directory, each read when it is asked for."""

    def __init__(self, source: Path) -> None:
        self._open = ExitStack()
        self._files: dict[str, Any] = {}
        self.by_file: dict[str, list[str]] = {}
        for path in sorted(source.glob("*.safetensors")):
            file = self._open.enter_context(safe_open(path, "pt"))
            self.by_file[path.name] = list(file.keys())
            self._files |= dict.fromkeys(self.by_file[path.name], file)

    def __getitem__(self, name: str) -> torch.Tensor:
        tensor: torch.Tensor = self._files[name].get_tensor(name)
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __enter__(self) -> _Entries:
        return self

    def __exit__(self, *_error: object) -> None:
        self._open.close()
