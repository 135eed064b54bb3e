"""Writing to a local disk so that it is there after a power cut, either whole or not at all, and its owner's alone."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER_MODE = 0o700
FILE_MODE = 0o600
# A folder that another process removes because it is empty is made again so often.
_TRIES = 100


def private(path: str, flags: int) -> int:
    """An ``opener`` for :func:`open`: a new file is its owner's alone, whatever the umask says."""
    return os.open(path, flags, FILE_MODE)


def make_folder(folder: Path) -> Path:
    """Make ``folder`` and what is missing above it, for the owner alone; returns it."""
    for _ in range(_TRIES):
        try:
            folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
            return folder
        except FileNotFoundError:
            make_folder(folder.parent)
        except FileExistsError:  # a file, or a folder that went away between two looks at it
            if folder.exists() and not folder.is_dir():
                raise
    folder.mkdir(mode=FOLDER_MODE)
    return folder


def remove_empty(folder: Path, top: Path) -> None:
    """Remove ``folder`` and those above it, as far as they are empty and below ``top``."""
    while folder.is_relative_to(top) and folder != top:
        try:
            folder.rmdir()
        except FileNotFoundError:
            pass
        except OSError:
            return
        folder = folder.parent


def sync_directory(folder: Path) -> None:
    """Make entries of ``folder`` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class NotAFileError(OSError):
    """What stands at a path is a directory, a pipe or a device."""


def read_file(path: Path) -> bytes:
    """The bytes of a regular file. Raises NotAFileError, and does not wait for anybody to write into a pipe."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotAFileError(errno.EINVAL, "it is not a file", str(path))
        with open(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def create_once(path: Path, data: bytes) -> bool:
    """Create ``path`` with ``data``, durably; False if it already stands. Readers see all of it or nothing."""
    if path.exists():
        return False
    with _written_beside(path, data) as temporary:
        try:
            os.link(temporary, path)  # fails if another writer was first, unlike rename
        except FileExistsError:
            return False
    sync_directory(path.parent)
    return True


def write_whole(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path``, durably, in place of what stands there. Readers see the old or the new."""
    with _written_beside(path, data) as temporary:
        temporary.replace(path)
    sync_directory(path.parent)


@contextmanager
def _written_beside(path: Path, data: bytes) -> Iterator[Path]:
    make_folder(path.parent)
    temporary = path.parent / f".{path.name[:100]}.{secrets.token_hex(6)}.tmp"
    try:
        with open(temporary, "xb", opener=private) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
