"""Writing a quantised model shard by shard; one tensor is in memory at a time."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from bongsu.artifacts.base import TreeWriter
from bongsu.artifacts.writing import write_bytes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.weights import INDEX
from bongsu_stages.models.fingerprints import fingerprint
from bongsu_stages.models.finite import count_not_finite
from bongsu_stages.models.weight_header import encode_header, encode_index
from bongsu_stages.models.weight_index import DTYPES, Entry, WeightIndex, Written
from bongsu_stages.runtime.stage import StageError

if TYPE_CHECKING:
    from pathlib import Path

    from bongsu_stages.compress.rounding import Quantised

Quantise = Callable[[str, torch.Tensor], "Quantised"]
_NAMES = {name: short for short, name in DTYPES.items()}
CHUNK = 16 * 1024 * 1024


@dataclass(frozen=True)
class Piece:
    """One tensor of the new file. ``stands_for``: the plain weight of which it is the first piece, fingerprinted."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    data: bytes | bytearray
    stands_for: tuple[str, str] | None = None


@dataclass(frozen=True)
class Quantisation:
    """Which weights are quantised, and how.

    Attributes:
        chosen: names of the weights.
        quantise: one weight (its name, and its values in fp32) in fewer bits.
    """

    chosen: AbstractSet[str]
    quantise: Quantise


def write_quantised(
    weights: WeightIndex,
    quantisation: Quantisation,
    writer: TreeWriter,
    scratch: Path,
    progress: Callable[[int], None],
) -> Written:
    """Write every weight file anew.

    Args:
        scratch: directory for one file's tensors before its header is known.
        progress: called with the number of finished tensors.
    """
    files = weights.files()
    places: dict[str, str] = {}
    fingerprints: dict[str, str] = {}
    total = done = 0
    for file in files:
        tensors: dict[str, tuple[str, tuple[int, ...], int]] = {}
        body = scratch / f"{file}.body"
        with body.open("wb") as out:
            for entry in weights.in_file(file):
                for piece in _pieces(weights, entry, quantisation):
                    tensors[piece.name] = (piece.dtype, piece.shape, len(piece.data))
                    out.write(piece.data)
                    if piece.stands_for:
                        fingerprints |= [piece.stands_for]
                    del piece  # it may be the embeddings, and the next one the head
                done += 1
                progress(done)
        with writer.create(file) as target, body.open("rb") as source:
            target.write(encode_header(tensors))
            shutil.copyfileobj(source, target, CHUNK)
        body.unlink()
        places |= dict.fromkeys(tensors, file)
        total += sum(size for _, _, size in tensors.values())
    if len(files) > 1:
        write_bytes(writer, INDEX, encode_index(places, total))
    return Written(total, dict(sorted(fingerprints.items())))


def _refuse_what_is_no_number(name: str, values: torch.Tensor) -> None:
    count = count_not_finite(values)
    if count:
        raise StageError(
            phrase(N_("{name} has {count} values that are no finite numbers."), name=name, count=count),
            N_("Check the stage that wrote the model: its training diverged, or its weights were damaged."),
        )


def _pieces(weights: WeightIndex, entry: Entry, quantisation: Quantisation) -> Iterator[Piece]:
    """What stands for one entry in the new file.

    Raises:
        StageError: a weight has values that are no finite numbers. In integers, nobody would find them any more.
    """
    if entry.name not in quantisation.chosen:
        stored = weights.stored(entry)
        if stored:
            _refuse_what_is_no_number(
                entry.name, torch.frombuffer(stored, dtype=getattr(torch, DTYPES[entry.dtype]))
            )
        same = fingerprint(DTYPES[entry.dtype], entry.shape, stored)
        yield Piece(entry.name, entry.dtype, entry.shape, stored, (entry.name, same))
        return
    stem = entry.name.removesuffix("weight")
    plain = weights.read(entry.name)
    if not plain.is_floating_point():
        raise StageError(
            phrase(
                N_("{name} holds {dtype} where a model has floating-point weights."),
                name=entry.name,
                dtype=entry.dtype,
            ),
            N_("Quantise a model that is not quantised yet."),
        )
    _refuse_what_is_no_number(entry.name, plain)
    plain = plain.float()  # what was read is let go of
    quantised = quantisation.quantise(entry.name, plain)
    stands_for: tuple[str, str] | None = (entry.name, quantised.fingerprint)
    for suffix, tensor in quantised.entries.items():
        kept = tensor.contiguous().cpu()
        data = kept.view(torch.uint8).numpy().tobytes() if kept.dim() else kept.numpy().tobytes()
        dtype = _NAMES[str(kept.dtype).removeprefix("torch.")]
        yield Piece(stem + suffix, dtype, tuple(kept.shape), data, stands_for)
        stands_for = None
