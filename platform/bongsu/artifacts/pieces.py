"""Hashes of the pieces of a large file: a part of it can be checked without reading the rest.

The hash of the whole, which the manifest has, tells nothing of a range. A tree in S3 keeps beside its manifest the
hashes of pieces of :data:`PIECE_BYTES`; a file that is no larger is one piece, whose hash is that of the whole.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import Any

PIECE_BYTES = 16 * 1024 * 1024


def count_of(size: int) -> int:
    """How many pieces a file of ``size`` bytes has."""
    return -(-size // PIECE_BYTES)


class PieceHasher:
    """Hashes what passes, piece by piece."""

    def __init__(self) -> None:
        self._done: list[str] = []
        self._piece = hashlib.sha256()
        self._left = PIECE_BYTES

    def update(self, data: memoryview) -> None:
        while len(data):
            part = data[: self._left]
            self._piece.update(part)
            self._left -= len(part)
            data = data[len(part) :]
            if not self._left:
                self._done.append(self._piece.hexdigest())
                self._piece, self._left = hashlib.sha256(), PIECE_BYTES

    def hashes(self) -> tuple[str, ...]:
        """SHA-256 of every piece in hex, the last one perhaps shorter than the others."""
        last = [self._piece.hexdigest()] if self._left < PIECE_BYTES else []
        return (*self._done, *last)


class PieceReader(io.RawIOBase):
    """A range of a file that is had in whole pieces.

    Args:
        piece: the bytes of a piece, by its number from 0, compared with their hash.
        start, end: of the range, in bytes.
    """

    def __init__(self, piece: Callable[[int], bytes], start: int, end: int) -> None:
        self._piece = piece
        self._at = start
        self._end = end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if self._at >= self._end or not len(view):
            return 0
        number, skip = divmod(self._at, PIECE_BYTES)
        count = min(len(view), self._end - self._at, PIECE_BYTES - skip)
        view[:count] = memoryview(self._piece(number))[skip : skip + count]
        self._at += count
        return count
