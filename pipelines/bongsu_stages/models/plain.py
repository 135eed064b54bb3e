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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from bongsu.domain.weights import INDEX
from bongsu_stages.models.fingerprints import fingerprint_of
from bongsu_stages.models.finite import count_not_finite
from bongsu_stages.models.mlmodel import ADAPTER
from bongsu_stages.models.storage import Storage, storage_of

_SUFFIXES = (
    ".weight_scale",
    ".weight_shape",
    ".weight_zero_point",
    ".weight_g_idx",
    ".input_scale",
    ".input_zero_point",
)
_SCALED = (torch.float8_e4m3fn, torch.int8)


def write_plain(source: Path, target: Path) -> None:
    """Write the tree at ``source`` to ``target`` with plain bf16 or fp32 weights and no quantisation.

    File by file: what is in memory is the plain content of one. A tree that is plain already is linked, not copied.

    Raises:
        ValueError: an entry cannot be read back, e.g. a scale of the wrong shape or a format that is not known here.
    """
    target.mkdir(parents=True, exist_ok=True)
    config = json.loads((source / "config.json").read_bytes())
    quantised = config.pop("quantization_config", None)
    (target / "config.json").write_text(json.dumps(config))
    if (source / "generation_config.json").exists():
        (target / "generation_config.json").write_bytes((source / "generation_config.json").read_bytes())
    if quantised is None:
        for path in (*source.glob("*.safetensors"), *source.glob(INDEX)):
            (target / path.name).symlink_to(path.resolve())
        _copy_adapter(source, target)
        return
    storage = storage_of(quantised)
    places: dict[str, str] = {}
    with _Entries(source) as entries:
        _copy_adapter(source, target)
        for file, names in entries.by_file.items():
            plain = dict(_plain(entries, names, storage))
            if plain:
                save_file(plain, target / file, metadata={"format": "pt"})
            places |= dict.fromkeys(plain, file)
    if list(entries.by_file) != ["model.safetensors"]:
        (target / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": places}))


def _copy_adapter(source: Path, target: Path) -> None:
    if (source / ADAPTER).is_dir():
        shutil.copytree(source / ADAPTER, target / ADAPTER)


@dataclass(frozen=True)
class PlainFacts:
    """What the entries of weight files are.

    Attributes:
        fingerprints: by name.
        not_finite: names of those that hold values which are no finite numbers.
    """

    fingerprints: dict[str, str]
    not_finite: tuple[str, ...]


def plain_facts(directory: Path) -> PlainFacts:
    """Of the weight files in ``directory``, read once, one entry in memory at a time."""
    fingerprints: dict[str, str] = {}
    not_finite: list[str] = []
    with _Entries(directory) as entries:
        for name in entries:
            tensor = entries[name]
            fingerprints[name] = fingerprint_of(tensor)
            if count_not_finite(tensor):
                not_finite.append(name)
    return PlainFacts(fingerprints, tuple(not_finite))


def _plain(entries: _Entries, names: list[str], storage: Storage) -> Iterator[tuple[str, torch.Tensor]]:
    """Plain weights for the entries ``names``; scales and the like are part of what they belong to."""
    for name in names:
        if name.endswith(".weight_packed"):
            # What is unpacked is a weight in the scale's type again: the product is rounded to it.
            stem = name.removesuffix(".weight_packed")
            scale = entries[f"{stem}.weight_scale"]
            yield f"{stem}.weight", unpack(entries, stem, storage.bits).to(scale.dtype)
        elif not name.endswith(_SUFFIXES):
            tensor = entries[name]
            if tensor.dtype in _SCALED:
                tensor = _unscaled(entries, name, tensor, storage.block)
            elif f"{name}_scale" in entries:
                raise ValueError(f"{name} has a scale and is {tensor.dtype}, which is not read here")
            yield name, tensor


def _unscaled(
    tensors: Mapping[str, torch.Tensor], name: str, values: torch.Tensor, block: tuple[int, int] | None
) -> torch.Tensor:
    """Plain weight ``[out, in]`` of one that is stored as float8 or int8, in the scale's type."""
    kind = "float8" if values.dtype.is_floating_point else "int8"
    if f"{name}_scale" not in tensors:
        raise ValueError(f"{name} is {kind} and has no scale")
    scale = tensors[f"{name}_scale"]
    zero = tensors.get(f"{name}_zero_point")
    plain = values.float() - (_spread(zero.float(), values.shape, block, name) if zero is not None else 0.0)
    return (plain * _spread(scale.float(), values.shape, block, name)).to(scale.dtype).contiguous()


def _spread(scale: torch.Tensor, shape: torch.Size, block: tuple[int, int] | None, name: str) -> torch.Tensor:
    """A figure for the whole tensor, each row, each group of columns in a row, or each block, for every value.

    Blocks at the edges may be smaller than the others, so that their size does not follow from their number.
    """
    if scale.numel() == 1:
        return scale.reshape(())
    given = tuple(scale.shape)
    if len(given) == 2 == len(shape):
        if block is not None and given == tuple(
            -(-whole // size) for whole, size in zip(shape, block, strict=True)
        ):
            by_row = scale.repeat_interleave(block[0], 0)[: shape[0]]
            return by_row.repeat_interleave(block[1], 1)[:, : shape[1]]
        if given[0] == shape[0] and shape[1] % given[1] == 0:
            return scale.repeat_interleave(shape[1] // given[1], 1)
    raise ValueError(f"{name}: a scale of shape {given} does not fit {tuple(shape)}")


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
    if (scale.shape[0] != rows and scale.numel() != 1) or columns % groups:
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
        if zero.numel() not in (1, rows * groups):
            raise ValueError(
                f"{stem}: zero points of shape {tuple(zero.shape)} do not fit {rows} x {groups} groups"
            )
        return zero.float().reshape(-1, groups, 1) + half
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
