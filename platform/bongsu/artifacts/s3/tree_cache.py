"""Copies of trees on a machine's disk, shared by its processes.

They use the disk's spare room: a copy that does not fit takes the place of those that were used longest ago and that
nobody uses now. Below the directory, for each tree::

    sha256-.../             the copy
    sha256-....partial/     one that is not complete
    sha256-....hashed       which of its large files were hashed when it was handed out
    sha256-....lock         held while the copy is made, mended or removed
    sha256-....used         held by those who were given the copy; its time is that of the last use
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bongsu.artifacts.durable import FILE_MODE, make_folder
from bongsu.artifacts.handing_out import HandingOut
from bongsu.domain.artifact import Manifest
from bongsu.domain.ids import Digest

# So much of a disk is left to others.
SPARE = 0.05


class TreeCache:
    """Whoever is given a copy has it as long as this object lives, unless somebody changes what is in it.

    Args:
        folder: of the copies.
        room: bytes of a directory's disk, all and free ones.
    """

    def __init__(self, folder: Path, room: Callable[[Path], tuple[int, int]] | None = None) -> None:
        self.folder = folder
        self._room = room or _disk_room
        self._given: dict[Digest, int] = {}
        weakref.finalize(self, _close_all, self._given)

    def give(self, manifest: Manifest, fetch: Callable[[Path], None]) -> Path:
        """The directory of a whole copy, checked.

        Args:
            manifest: of the tree.
            fetch: fills a directory, which may hold files from an earlier call that was killed.
        """
        make_folder(self.folder)
        ready = self.folder / manifest.digest
        with _held(self._beside(manifest.digest, "lock"), fcntl.LOCK_EX):
            if ready.exists() and HandingOut(ready, manifest, self._beside(manifest.digest, "hashed")).faults():
                shutil.rmtree(ready)
            if not ready.exists():
                self._make_room(manifest.size)
                partial = self._beside(manifest.digest, "partial")
                fetch(partial)
                partial.rename(ready)
            self._note_use(manifest.digest)
        return ready

    # -- inside ----------------------------------------------------------------------------------------------

    def _beside(self, digest: str, kind: str) -> Path:
        return self.folder / f"{digest}.{kind}"

    def _note_use(self, digest: Digest) -> None:
        """Nobody waits here: who holds this file for himself alone holds the lock as well."""
        path = self._beside(digest, "used")
        if digest not in self._given:
            self._given[digest] = _locked(path, fcntl.LOCK_SH)
        os.utime(path)

    def _make_room(self, needed: int) -> None:
        """As far as that can be had; what is still lacking is told when the disk is full."""
        for digest in self._longest_unused():
            total, free = self._room(self.folder)
            if free >= needed + SPARE * total:
                return
            self._remove(digest)

    def _longest_unused(self) -> list[Digest]:
        there = {Digest(path.stem) for path in self.folder.glob("sha256-*") if path.is_dir()}
        return sorted(there, key=self._last_use)

    def _last_use(self, digest: Digest) -> float:
        """Zero if nobody has had the whole of it."""
        try:
            return self._beside(digest, "used").stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def _remove(self, digest: Digest) -> None:
        """Unless somebody uses it, or is at it."""
        now = fcntl.LOCK_EX | fcntl.LOCK_NB
        with (
            contextlib.suppress(BlockingIOError),
            _held(self._beside(digest, "lock"), now),
            _held(self._beside(digest, "used"), now),
        ):
            for place in (self.folder / digest, self._beside(digest, "partial")):
                shutil.rmtree(place, ignore_errors=True)
            self._beside(digest, "hashed").unlink(missing_ok=True)
            # The lock stays: somebody may be waiting for it.
            self._beside(digest, "used").unlink(missing_ok=True)


def _disk_room(folder: Path) -> tuple[int, int]:
    usage = shutil.disk_usage(folder)
    return usage.total, usage.free


@contextmanager
def _held(path: Path, how: int) -> Iterator[None]:
    descriptor = _locked(path, how)
    try:
        yield
    finally:
        os.close(descriptor)


def _locked(path: Path, how: int) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE)
    try:
        fcntl.flock(descriptor, how)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _close_all(given: dict[Digest, int]) -> None:
    for descriptor in given.values():
        os.close(descriptor)
    given.clear()
