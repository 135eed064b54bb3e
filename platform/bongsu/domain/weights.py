"""Which files of a model tree are its weights."""

from __future__ import annotations

from collections.abc import Iterable

from bongsu.domain.artifact import FileEntry

WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt")
INDEX = "model.safetensors.index.json"
"""Names the file of each tensor, where there is more than one file."""


def weight_bytes(files: Iterable[FileEntry]) -> int:
    """Bytes of the weight files alone: what a server has to load."""
    return sum(file.size for file in files if file.path.endswith(WEIGHT_SUFFIXES))
