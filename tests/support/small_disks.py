"""File systems of a few megabytes, which fill up when a test says so. They are mounted, which only root may do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from needs import lacks


class SmallDisk:
    """Attributes:
    path: where it is mounted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Leave no room for a single byte."""
        with self._ballast.open("wb", buffering=0) as file:
            piece = b"\0" * 65536
            while piece:
                try:
                    file.write(piece)
                except OSError:
                    piece = piece[: len(piece) // 2]

    def make_room(self) -> None:
        self._ballast.unlink()


@contextmanager
def small_disk(path: Path, megabytes: int, mode: str = "700") -> Iterator[SmallDisk]:
    """A disk in memory, mounted at an empty directory until the end of the block. Skips where nothing may be
    mounted, but for CI."""
    options = f"size={megabytes}m,mode={mode}"
    command = ["mount", "-t", "tmpfs", "-o", options, "bongsu-test", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lacks(f"the right to mount a file system (user {os.geteuid()}): {done.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
