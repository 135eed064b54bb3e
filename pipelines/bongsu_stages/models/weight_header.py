"""The header of a safetensors file: what tensors it has and where they lie, read and written without the tensors.

Eight bytes with the length of the header (little endian), the header as JSON (name to dtype, shape and offsets), then
the tensors (https://github.com/huggingface/safetensors, "Format").
"""

from __future__ import annotations

import json
from typing import Any

from bongsu.artifacts.base import TreeReader


def read_header(tree: TreeReader, path: str) -> tuple[dict[str, Any], int]:
    """Header of a safetensors file without its metadata, and where its tensors begin."""
    with tree.open(path, 0, 8) as file:
        size = int.from_bytes(file.read(8), "little")
    with tree.open(path, 8, size) as file:
        header: dict[str, Any] = json.loads(file.read())
    header.pop("__metadata__", None)
    return header, 8 + size


def encode_header(tensors: dict[str, tuple[str, tuple[int, ...], int]]) -> bytes:
    """Bytes before the tensors of a file: length, header, padding to a multiple of eight.

    Args:
        tensors: name to (dtype, shape, bytes), in the order in which they will lie.
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, (dtype, shape, size) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def encode_index(weights: dict[str, str], total: int) -> bytes:
    """``model.safetensors.index.json`` for weights (name to file) of ``total`` bytes."""
    content = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weights.items()))}
    return (json.dumps(content, indent=2) + "\n").encode()
