"""The right to write under one key of a store: one writer at a time on a machine has it.

It is an advisory lock on a file, so the system takes it back when the process dies, however it dies.
"""

from __future__ import annotations

import fcntl
import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from bongsu.artifacts.durable import FILE_MODE, make_folder, remove_empty


class Claim:
    """Taken and released by any number of threads of one writer. A writer that is forgotten releases it too.

    Args:
        path: the lock file, which stands while somebody has the claim.
        top: folders below it go with the lock file once they are empty.
    """

    def __init__(self, path: Path, top: Path) -> None:
        self._path = path
        self._top = top
        self._guard = Lock()
        self._close: weakref.finalize[[int], Claim] | None = None
        self._kept = False
        self._begun = False

    def take(self, begin: Callable[[], None]) -> None:
        """Wait until nobody else has the claim, and call ``begin``; nothing if this was done since the last release."""
        with self._guard:
            if self._close is None:
                self._close = weakref.finalize(self, os.close, _locked(self._path))
            if not self._begun:
                begin()
                self._begun = True

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep the claim, which was taken, until the end, whatever is released within."""
        self._kept = True
        try:
            yield
        finally:
            self._kept = False
            self.release()

    def release(self) -> None:
        with self._guard:
            self._begun = False
            if self._close is None or self._kept:
                return
            # While it is locked: whoever waits for this file sees afterwards that it is another one.
            self._path.unlink(missing_ok=True)
            self._close()
            self._close = None
        remove_empty(self._path.parent, self._top)


def _locked(path: Path) -> int:
    while True:
        make_folder(path.parent)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        except FileNotFoundError:  # another writer has just removed the empty folder
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_at(descriptor, path):
                return descriptor
        except BaseException:  # an interrupt, too, must not leave the lock behind
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
