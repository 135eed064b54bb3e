"""Files that go into a tree whole, as streams: hashed while they pass, and read no second time."""

from __future__ import annotations

import shutil

from bongsu.artifacts.base import TreeReader, TreeWriter

_PART = 16 * 1024 * 1024


def write_bytes(writer: TreeWriter, path: str, data: bytes) -> None:
    """Add a file with this content."""
    with writer.create(path) as file:
        file.write(data)


def copy_file(tree: TreeReader, writer: TreeWriter, path: str, target: str | None = None) -> None:
    """Add a file of another tree, under the path ``target`` or its own. Raises ``artifact.corrupt``, OSError."""
    with tree.open(path) as source, writer.create(target or path) as file:
        shutil.copyfileobj(source, file, _PART)
