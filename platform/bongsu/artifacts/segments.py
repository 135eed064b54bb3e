"""A stream as records of the artifact store: it is cut into numbered pieces, each of which is written once.

For what a worker says where nobody else reads its files. Pieces are created and never changed, so whoever read one need
not read it again, and a process that goes on with a stream appends behind what an earlier one left.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from bongsu.artifacts.base import ArtifactStore
from bongsu.artifacts.keys import check_key

_DIGITS = 8


class Segments:
    """One stream.

    Args:
        store: where its pieces lie.
        name: of the stream, a path-like key, e.g. ``logs/r-1/train/1``.
    """

    def __init__(self, store: ArtifactStore, name: str) -> None:
        self._store, self._name = store, check_key(name)
        self._next: int | None = None

    def append(self, data: bytes) -> None:
        """Write the next piece. By one process at a time, which nobody checks: of two writers both pieces stand.

        Raises:
            OSError, BongsuError: nothing is known of whether it stands; the same again stands once.
        """
        if self._next is None:
            self._next = self._end()
        while not self._store.put_record(self._key(self._next), data):
            # Nothing stood there: either an answer was lost, or somebody writes besides.
            stands = self._store.get_record(self._key(self._next))
            self._next += 1
            if stands == data:
                return
        self._next += 1

    def read(self, begin: int = 0) -> Iterator[bytes]:
        """Pieces from number ``begin`` on, as far as they stand. Raises OSError, BongsuError."""
        number = begin
        while (data := self._store.get_record(self._key(number))) is not None:
            yield data
            number += 1

    def _end(self) -> int:
        """Number of pieces that stand; they stand without a gap."""
        reach = 1
        while self._stands(reach - 1):
            reach *= 2
        return bisect_left(range(reach), True, key=lambda number: not self._stands(number))

    def _stands(self, number: int) -> bool:
        return self._store.get_record(self._key(number)) is not None

    def _key(self, number: int) -> str:
        return f"{self._name}/{number:0{_DIGITS}d}"
