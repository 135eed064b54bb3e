"""Small files of a tree, read whole with their hash checked."""

from __future__ import annotations

import json
from typing import Any

from bongsu.artifacts.base import TreeReader

MAX_BYTES = 16 * 1024 * 1024


def read_json(reader: TreeReader, path: str) -> Any:
    """Content of a JSON file.

    Raises:
        ValueError: the tree has no such file, or it is not JSON, nested too deeply, or larger than 16 MiB.
        OSError, BongsuError: it cannot be read.
    """
    if not any(entry.path == path for entry in reader.manifest.files):
        raise ValueError(f"the tree has no {path}")
    with reader.open(path) as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"{path} has more than {MAX_BYTES} bytes")
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError(f"{path} is nested too deeply") from None


def read_text(reader: TreeReader, path: str) -> str:
    """Text of a file, cut off at 16 MiB; empty if the tree has none of that name."""
    if not any(entry.path == path for entry in reader.manifest.files):
        return ""
    with reader.open(path) as file:
        return file.read(MAX_BYTES).decode("utf-8", "replace")
