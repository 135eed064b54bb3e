"""The header of a safetensors file: what tensors it has and where they lie, read and written without the tensors.

Eight bytes with the length of the header (little endian), the header as JSON (name to dtype, shape and offsets), then
the tensors (https://github.com/huggingface/safetensors, "Format").
"""

from __future__ import annotations

import json
import math
from typing import Any

from bongsu.artifacts.base import TreeReader
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Phrase, phrase
from bongsu_stages.runtime.stage import StageError

# The format's own limit.
_LARGEST_HEADER = 100_000_000
BITS = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "I8", "U8", "BOOL"), 8),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}
"""Of one number, by dtype."""


def read_header(tree: TreeReader, path: str) -> tuple[dict[str, Any], int]:
    """Header of a safetensors file without its metadata, and where its tensors begin.

    Raises StageError for a header that is none, or that speaks of other bytes than the file has: what is read by it
    would be no weights.
    """
    whole = next(entry.size for entry in tree.manifest.files if entry.path == path)
    with tree.open(path, 0, 8) as file:
        size = int.from_bytes(file.read(8), "little")
    if whole < 8 or size > min(whole - 8, _LARGEST_HEADER):
        raise _broken(path, phrase(N_("it ends before its header does")))
    with tree.open(path, 8, size) as file:
        try:
            header = json.loads(file.read())
        except (ValueError, RecursionError):
            raise _broken(path, phrase(N_("its header is no JSON"))) from None
    if not isinstance(header, dict):
        raise _broken(path, phrase(N_("its header is no JSON")))
    header.pop("__metadata__", None)
    _check_places(path, header, whole - 8 - size)
    return header, 8 + size


def _check_places(path: str, header: dict[str, Any], room: int) -> None:
    """Every tensor has the bytes that its type and shape take, one behind the other, and nothing else is there."""
    places = []
    for name, facts in header.items():
        try:
            shape, (start, end) = [int(length) for length in facts["shape"]], facts["data_offsets"]
            bits = math.prod(shape) * BITS[facts["dtype"]]
            fits = min(shape, default=0) >= 0 and 8 * (end - start) == bits
        except (KeyError, TypeError, ValueError):
            raise _broken(path, phrase(N_("what it says of {name} cannot be read"), name=name)) from None
        if not fits:
            raise _broken(path, phrase(N_("{name} has other bytes than its shape and type take"), name=name))
        places.append((start, end, name))
    at = 0
    for start, end, name in sorted(places):
        if start != at:
            raise _broken(path, phrase(N_("{name} does not begin where the tensor before it ends"), name=name))
        at = end
    if at != room:
        raise _broken(
            path, phrase(N_("it has {found} bytes of weights, its header speaks of {told}"), found=room, told=at)
        )


def _broken(path: str, detail: Phrase) -> StageError:
    return StageError(
        phrase(N_("{path} is no whole safetensors file: {detail}."), path=path, detail=detail),
        N_("Check the stage, or the tool, that wrote the model."),
    )


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
