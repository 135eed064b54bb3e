"""How many files are read at once: of one person, and of all. Each takes a connection and an open file."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from bongsu.domain.codes import api as codes

OF_ONE = 40
OF_ALL = 400


class Readers:
    """Who reads a file at this server, at whatever address of it."""

    def __init__(self, of_one: int = OF_ONE, of_all: int = OF_ALL) -> None:
        self._of_one = of_one
        self._of_all = of_all
        self._held: Counter[str] = Counter()
        # Routes look from threads whether there is room.
        self._counting = threading.Lock()

    def check(self, reader: str) -> None:
        """Before anything is opened or recorded for them. Raises ``api.too-many-read`` where there are enough."""
        with self._counting:
            self._check(reader)

    @contextmanager
    def one_more(self, reader: str) -> Iterator[None]:
        """For the time of an answer. Raises ``api.too-many-read`` where there are enough."""
        with self._counting:
            self._check(reader)
            self._held[reader] += 1
        try:
            yield
        finally:
            with self._counting:
                self._held[reader] -= 1
                if not self._held[reader]:
                    del self._held[reader]

    def _check(self, reader: str) -> None:
        if self._held.get(reader, 0) >= self._of_one or self._held.total() >= self._of_all:
            raise codes.TOO_MANY_READ.error(limit=self._of_one, all=self._of_all)
