"""Removing a folder whose content is somebody else's: however deep it is, and without following a link."""

from __future__ import annotations

import itertools
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_MOST_LEVELS = 1_000_000
"""Against somebody who goes on making folders meanwhile."""


def remove_tree(folder: Path) -> None:
    """Remove what can be removed of a folder; of a link, the link. What cannot be stays, and nothing is raised.

    ``shutil.rmtree`` calls itself for each level and raises RecursionError after some hundred. Here folders are moved
    up to the first level, one after the other: that takes one of Python's frames and two open files at any depth.
    """
    with suppress(OSError):
        if not stat.S_ISDIR(folder.lstat().st_mode):
            folder.unlink()
            return
        with _opened(folder) as top:
            _empty(top)
        folder.rmdir()


def _empty(top: int) -> None:
    prefix, numbers = f".removing-{secrets.token_hex(8)}-", itertools.count()

    def move_up(name: str, where: int) -> None:
        os.rename(name, f"{prefix}{next(numbers)}", src_dir_fd=where, dst_dir_fd=top)

    left: set[str] = set()
    for _ in range(_MOST_LEVELS):
        waiting = [name for name in _unlinked(top) if name not in left]
        if not waiting:
            return
        for name in waiting:
            if not _removed(top, name, move_up):
                left.add(name)


def _removed(top: int, name: str, move_up: Callable[[str, int], None]) -> bool:
    try:
        with _opened(Path(name), top) as below:
            for folder in _unlinked(below):
                move_up(folder, below)
        os.rmdir(name, dir_fd=top)
    except OSError:
        return False
    return True


def _unlinked(folder: int) -> list[str]:
    """Names of the folders in this one, after everything else in it was unlinked."""
    with os.scandir(folder) as found:
        entries = list(found)
    folders = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    for entry in entries:
        if not entry.is_dir(follow_symlinks=False):
            with suppress(OSError):
                os.unlink(entry.name, dir_fd=folder)
    return folders


@contextmanager
def _opened(folder: Path, within: int | None = None) -> Iterator[int]:
    """A folder, which is made this account's to change if it is not."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        opened = os.open(folder, flags, dir_fd=within)
    except PermissionError:
        named = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=within)
        try:
            Path(f"/proc/self/fd/{named}").chmod(stat.S_IRWXU)  # the name may lead elsewhere by now
        finally:
            os.close(named)
        opened = os.open(folder, flags, dir_fd=within)
    try:
        if stat.S_IMODE(os.fstat(opened).st_mode) & stat.S_IRWXU != stat.S_IRWXU:
            os.fchmod(opened, stat.S_IRWXU)
        yield opened
    finally:
        os.close(opened)
