"""How many files are read at once: of one person, and of all. Each takes a connection and an open file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from bongsu.tracking.governed.refusals import Refusal
from bongsu.tracking.governed.viewer import Denial

OF_ONE = 40
OF_ALL = 400
_MESSAGE = "{of_one} files at once are the most for one person, and {of_all} for all: wait for one, and try again."


class Readers:
    """Who reads a file at this server."""

    def __init__(self, of_one: int = OF_ONE, of_all: int = OF_ALL) -> None:
        self._of_one = of_one
        self._of_all = of_all
        self._held: Counter[str] = Counter()

    @contextmanager
    def one_more(self, reader: str) -> Iterator[None]:
        """For the time of an answer. Raises Refusal (429, which MLflow's clients try again) where there are enough."""
        if self._held[reader] >= self._of_one or self._held.total() >= self._of_all:
            message = _MESSAGE.format(of_one=self._of_one, of_all=self._of_all)
            raise Refusal(Denial(429, "REQUEST_LIMIT_EXCEEDED", message))
        self._held[reader] += 1
        try:
            yield
        finally:
            self._held[reader] -= 1
            if not self._held[reader]:
                del self._held[reader]
