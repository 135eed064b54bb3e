"""Files of a folder that become those of a tree: plain ones, and none by a link."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bongsu.domain.codes import artifact as codes

THREADS = 4
"""That read and hash files of one tree."""


def add_each(add: Callable[[str, Path], None], folder: Path) -> None:
    """Every file of a folder, under its path there; several at once."""
    files = sorted(regular_files(folder))
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(lambda file: add(file.relative_to(folder).as_posix(), file), files):
            pass


def refuse_irregular(path: str, source: Path) -> None:
    """Raises ``artifact.unsafe-path`` for a link, a directory or a device; ``path`` is what it was to be called."""
    if source.is_symlink() or not source.is_file():
        raise codes.UNSAFE_PATH.error(path=repr(path), detail="it is not a regular file")


def regular_files(folder: Path) -> Iterator[Path]:
    """Every file below ``folder``; a link, ``folder`` itself too, or a special file raises ``artifact.unsafe-path``."""
    if folder.is_symlink():
        raise codes.UNSAFE_PATH.error(path=repr(folder.name), detail="it is a link")
    for base, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(base, name)
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                detail = "it is a link or a special file"
                raise codes.UNSAFE_PATH.error(path=repr(path.relative_to(folder).as_posix()), detail=detail)
        yield from (Path(base, name) for name in names)
