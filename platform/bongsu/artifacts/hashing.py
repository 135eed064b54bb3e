"""Hashing while copying and while reading."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO

from bongsu.artifacts.durable import private

CHUNK = 4 * 1024 * 1024


def copy_hashed(source: Path, target: Path) -> tuple[int, str]:
    """Copy a file, durably; returns size in bytes and SHA-256 in hex of what was read and written."""
    total = hashlib.sha256()
    size = 0
    buffer = bytearray(CHUNK)
    view = memoryview(buffer)
    with source.open("rb", buffering=0) as reader, open(target, "wb", buffering=0, opener=private) as writer:
        while count := reader.readinto(buffer):
            chunk = view[:count]
            total.update(chunk)
            written = 0
            while written < count:
                written += writer.write(chunk[written:])
            size += count
        os.fsync(writer.fileno())
    return size, total.hexdigest()


def hash_file(path: Path) -> tuple[int, str]:
    """Size in bytes and SHA-256 in hex."""
    with path.open("rb", buffering=0) as file:
        total = hashlib.file_digest(file, "sha256")
        return file.tell(), total.hexdigest()


class HashingWriter(io.RawIOBase):
    """A file opened for writing that hashes what passes; calls ``done(size, sha256)`` when closed. What the disk
    says meanwhile is said within ``explained()``. Up to ``left`` bytes are not made durable: of very many small files
    one waits for the disk once, together, and who takes ``done`` sees to that."""

    def __init__(
        self,
        file: BinaryIO,
        done: Callable[[int, str], None],
        explained: Callable[[], AbstractContextManager[None]] = nullcontext,
        left: int = -1,
    ) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._size = 0
        self._done = done
        self._explained = explained
        self._left = left

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        view = memoryview(data).cast("B")  # type: ignore[arg-type]
        with self._explained():
            self._file.write(view)
        self._hash.update(view)
        self._size += len(view)
        return len(view)

    def close(self) -> None:
        if self.closed:
            return
        try:
            with self._explained():
                self._file.flush()
                if self._size > self._left:
                    os.fsync(self._file.fileno())
                self._file.close()
            self._done(self._size, self._hash.hexdigest())
        finally:
            super().close()


class CheckingReader(io.RawIOBase):
    """A stream over a whole file that compares its hash at the end.

    Args:
        file: positioned at the start.
        expected: size in bytes and SHA-256 in hex.
        failed: returns the exception to raise, given a detail.
    """

    def __init__(self, file: BinaryIO, expected: tuple[int, str], failed: Callable[[str], Exception]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._size = 0
        self._expected = expected
        self._failed = failed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        data = self._file.read(len(view))
        view[: len(data)] = data
        self._hash.update(data)
        self._size += len(data)
        if not data and len(view):
            self._compare()
        return len(data)

    def _compare(self) -> None:
        size, digest = self._expected
        if self._size != size:
            raise self._failed(f"it has {self._size} bytes instead of {size}")
        if self._hash.hexdigest() != digest:
            raise self._failed("its bytes changed")

    def close(self) -> None:
        if not self.closed:
            self._file.close()
            super().close()


class RangeReader(io.RawIOBase):
    """``length`` bytes of an open file from where it stands."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        self._left = length

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        count = int(self._file.readinto(view[: self._left]))  # type: ignore[attr-defined]
        self._left -= count
        return count

    def close(self) -> None:
        if not self.closed:
            self._file.close()
            super().close()
