"""An independent reading of a model tree: packed and scaled weights turned back into plain ones.

Written from the compressed-tensors format (``pack-quantized``: int4 or int8 values, offset by half their range, packed
little end first into int32 along the input dimension; ``float-quantized``: float8 values) and not with its library, so
that a fault of the loader shows as a difference.
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

_SUFFIXES = (".weight_scale", ".weight_shape", ".weight_zero_point", ".weight_g_idx")


def write_plain(source: Path, target: Path) -> None:
    """Write the tree at ``source`` to ``target`` with plain bf16 or fp32 weights and no quantisation.

    File by file: what is in memory is the plain content of one. A tree that is plain already is linked, not copied.

    Raises:
        ValueError: an entry cannot be read back, e.g. a scale of the wrong shape.
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
            if tensor.dtype != torch.float8_e4m3fn:
                yield name, tensor
                continue
            if f"{name}_scale" not in entries:
                raise ValueError(f"{name} is float8 and has no scale")
            scale = entries[f"{name}_scale"]
            yield name, (tensor.float() * scale.float()).to(scale.dtype).contiguous()


def weight_bits(quantised: dict[str, Any] | None) -> int:
    """Bits of packed weights, from ``quantization_config``; 4 where it does not say."""
    groups = (quantised or {}).get("config_groups", {})
    found = [group["weights"]["num_bits"] for group in groups.values() if group.get("weights")]
    return int(found[0]) if found else 4


def unpack(tensors: Mapping[str, torch.Tensor], stem: str, bits: int) -> torch.Tensor:
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
