"""What weights were in memory when they were written: a SHA-256 of each, kept beside them in the model tree.

A model of any size passes: one weight is hashed at a time. What a reload in another process finds is compared with
it (``verify.reload``), so that a fault of writing shows, and not only one of reading.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from bongsu.artifacts.base import TreeReader

if TYPE_CHECKING:
    import torch
    from typing_extensions import Buffer

FINGERPRINTS = "fingerprints.json"


class Fingerprints(BaseModel):
    """``fingerprints.json``: hex digests by the weight's name. What is empty was not recorded.

    Attributes:
        state: of the state dict in memory, in the types in which it was written; by the names of the class, which
            may hold experts together that are apart on disk.
        entries: of plain weights that passed through memory one by one, by the names on disk. Of a quantised one,
            the values that its levels and scales stand for, in the type of the scales, before they were packed.
        adapter: of an adapter's weights that are not merged, by their names in its file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: dict[str, str] = {}
    entries: dict[str, str] = {}
    adapter: dict[str, str] = {}

    def encode(self) -> bytes:
        return (self.model_dump_json(indent=1, exclude_defaults=True) + "\n").encode()


def read_fingerprints(tree: TreeReader) -> Fingerprints | None:
    """What the tree records, or None if it records nothing. Raises ValueError if it cannot be read."""
    if FINGERPRINTS not in {entry.path for entry in tree.manifest.files}:
        return None
    with tree.open(FINGERPRINTS) as file:
        try:
            return Fingerprints.model_validate_json(file.read())
        except ValidationError as error:
            raise ValueError(f"{FINGERPRINTS}: {error.errors()[0]['msg']}") from None


class FingerprintOf:
    """Of a weight whose bytes come in parts: row after row, little end first.

    Args:
        dtype: as torch names it, e.g. ``bfloat16``.
    """

    def __init__(self, dtype: str, shape: Iterable[int]) -> None:
        self._hashed = sha256(f"{dtype} {list(shape)}\n".encode())

    def update(self, part: Buffer) -> None:
        self._hashed.update(part)

    def hexdigest(self) -> str:
        return self._hashed.hexdigest()


def fingerprint(dtype: str, shape: Iterable[int], data: Buffer) -> str:
    """Of a weight by all of its bytes."""
    hashed = FingerprintOf(dtype, shape)
    hashed.update(data)
    return hashed.hexdigest()


def fingerprint_of(tensor: torch.Tensor) -> str:
    """Of a weight in memory, on any device."""
    return fingerprint(str(tensor.dtype).removeprefix("torch."), tensor.shape, bytes_of(tensor))


def bytes_of(tensor: torch.Tensor) -> memoryview:
    """The bytes of a weight, row after row; not a copy if it lies like that in this machine's memory."""
    import torch

    plain = tensor.detach().cpu().contiguous()
    return plain.reshape(-1).view(torch.uint8).numpy().data


def fingerprints_of(tensors: Iterable[tuple[str, torch.Tensor]]) -> dict[str, str]:
    """Of each, by name in alphabetical order."""
    return dict(sorted((name, fingerprint_of(tensor)) for name, tensor in tensors))
