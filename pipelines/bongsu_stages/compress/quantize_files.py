"""Writing a quantised model shard by shard; one tensor is in memory at a time."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from bongsu.artifacts.base import TreeWriter
from bongsu.domain.weights import INDEX
from bongsu_stages.compress.tensors import DTYPES, Entry, WeightIndex, encode_index
from bongsu_stages.models.weight_header import encode_header

if TYPE_CHECKING:
    from pathlib import Path

Quantise = Callable[[str, torch.Tensor], Mapping[str, torch.Tensor]]
_NAMES = {name: short for short, name in DTYPES.items()}
CHUNK = 16 * 1024 * 1024


@dataclass(frozen=True)
class Quantisation:
    """Which weights are quantised, and how.

    Attributes:
        chosen: names of the weights.
        quantise: gives the entries of one weight, by what replaces ``weight`` in its name.
    """

    chosen: AbstractSet[str]
    quantise: Quantise


def write_quantised(
    weights: WeightIndex,
    quantisation: Quantisation,
    writer: TreeWriter,
    scratch: Path,
    progress: Callable[[int], None],
) -> int:
    """Write every weight file anew; returns bytes of weights written.

    Args:
        scratch: directory for one file's tensors before its header is known.
        progress: called with the number of finished tensors.
    """
    files = weights.files()
    places: dict[str, str] = {}
    total = done = 0
    for file in files:
        tensors: dict[str, tuple[str, tuple[int, ...], int]] = {}
        body = scratch / f"{file}.body"
        with body.open("wb") as out:
            for entry in weights.in_file(file):
                for name, dtype, shape, data in _pieces(weights, entry, quantisation):
                    tensors[name] = (dtype, shape, len(data))
                    out.write(data)
                    del data  # it may be the embeddings, and the next one the head
                done += 1
                progress(done)
        with writer.create(file) as target, body.open("rb") as source:
            target.write(encode_header(tensors))
            shutil.copyfileobj(source, target, CHUNK)
        body.unlink()
        places |= dict.fromkeys(tensors, file)
        total += sum(size for _, _, size in tensors.values())
    if len(files) > 1:
        with writer.create(INDEX) as target:
            target.write(encode_index(places, total))
    return total


def _pieces(
    weights: WeightIndex, entry: Entry, quantisation: Quantisation
) -> Iterator[tuple[str, str, tuple[int, ...], bytes | bytearray]]:
    """(name, dtype, shape, bytes) of what stands for one entry in the new file."""
    if entry.name not in quantisation.chosen:
        yield entry.name, entry.dtype, entry.shape, weights.stored(entry)
        return
    stem = entry.name.removesuffix("weight")
    for suffix, tensor in quantisation.quantise(entry.name, weights.read(entry.name).float()).items():
        plain = tensor.contiguous().cpu()
        data = plain.view(torch.uint8).numpy().tobytes() if plain.dim() else plain.numpy().tobytes()
        yield stem + suffix, _NAMES[str(plain.dtype).removeprefix("torch.")], tuple(plain.shape), data
