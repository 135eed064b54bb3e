"""What tells one state of a file from another without reading it."""

from __future__ import annotations

from pathlib import Path

Stamp = tuple[int, int, int, int]
"""Inode, size in bytes, and the times of the last write and of the last change, in nanoseconds (inode(7))."""


def stamp_of(path: Path) -> Stamp | None:
    """None if it cannot be told, which whoever reads the file finds out."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
