"""The weights of a model tree as byte ranges: what is where, without reading it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bongsu.artifacts.base import TreeReader
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu_stages.models.fingerprints import FingerprintOf
from bongsu_stages.models.weight_header import read_header
from bongsu_stages.runtime.stage import StageError

if TYPE_CHECKING:
    import torch

_PART = 16 * 1024 * 1024
DTYPES = {
    "BF16": "bfloat16",
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
    "I8": "int8",
    "I32": "int32",
    "I64": "int64",
    "U8": "uint8",
    "F8_E4M3": "float8_e4m3fn",
}


@dataclass(frozen=True)
class Entry:
    """One tensor: its file, and the bytes ``start`` to ``end`` in it."""

    name: str
    file: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


@dataclass(frozen=True)
class Written:
    """Bytes of weights, and the fingerprint of each plain weight that they stand for."""

    size: int
    fingerprints: dict[str, str]


class WeightIndex:
    """Entries of all weight files of a tree, in the order in which they lie."""

    def __init__(self, tree: TreeReader) -> None:
        self._tree = tree
        self.entries = {entry.name: entry for entry in _entries(tree)}
        if not self.entries:
            raise StageError(
                N_("The model tree has no safetensors file."), N_("Give a model in the layout of transformers.")
            )

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def files(self) -> list[str]:
        return sorted({entry.file for entry in self.entries.values()})

    def in_file(self, file: str) -> list[Entry]:
        """Entries of one file, by offset."""
        return sorted((e for e in self.entries.values() if e.file == file), key=lambda e: e.start)

    def stored(self, entry: Entry) -> bytearray:
        """The bytes of one tensor as they lie in its file, once in memory. Raises what reading the tree raises, and
        StageError if the file ends before them."""
        data = bytearray(entry.size)
        view = memoryview(data)
        with self._tree.open(entry.file, entry.start, entry.size) as file:
            while count := file.readinto(view):  # type: ignore[attr-defined]
                view = view[count:]
        if view:
            raise StageError(
                phrase(N_("{file} ends within {name}."), file=entry.file, name=entry.name),
                N_("Check the stage that wrote it."),
            )
        return data

    def parts(self, file: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes ``start`` to ``end`` of a file, some at a time. Raises what reading the tree raises, and StageError
        if the file ends before them."""
        missing = end - start
        with self._tree.open(file, start, missing) as source:
            while part := source.read(_PART):
                missing -= len(part)
                yield part
        if missing:
            raise StageError(
                phrase(N_("{file} has fewer bytes than its header says."), file=file),
                N_("Check the stage that wrote it."),
            )

    def read(self, name: str) -> torch.Tensor:
        """One tensor, by a ranged read. Raises StageError if it is not there."""
        import torch

        if name not in self.entries:
            raise StageError(
                phrase(N_("The model tree has no weight {name}."), name=name), N_("Check the stage that wrote it.")
            )
        entry = self.entries[name]
        data = self.stored(entry)
        dtype: torch.dtype = getattr(torch, DTYPES[entry.dtype])
        if not data:
            return torch.empty(entry.shape, dtype=dtype)
        return torch.frombuffer(data, dtype=dtype).reshape(entry.shape)


def _entries(tree: TreeReader) -> Iterator[Entry]:
    for listed in sorted(tree.manifest.files, key=lambda f: f.path):
        if not listed.path.endswith(".safetensors") or "/" in listed.path:
            continue
        header, base = read_header(tree, listed.path)
        for name, facts in header.items():
            start, end = facts["data_offsets"]
            yield Entry(name, listed.path, facts["dtype"], tuple(facts["shape"]), base + start, base + end)


def stored_fingerprints(tree: TreeReader) -> dict[str, str]:
    """Fingerprint of every entry of the weight files of ``tree``, read in parts."""
    found = {}
    weights = WeightIndex(tree)
    for entry in weights.entries.values():
        hashed = FingerprintOf(DTYPES[entry.dtype], entry.shape)
        for part in weights.parts(entry.file, entry.start, entry.end):
            hashed.update(part)
        found[entry.name] = hashed.hexdigest()
    return found
