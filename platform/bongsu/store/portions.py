"""Names by the portion: a statement has no more parameters in it than a database takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

PORTION = 500

_Name = TypeVar("_Name")


def portions(names: Sequence[_Name], most: int = PORTION) -> Iterator[Sequence[_Name]]:
    """The names in their order, at most so many at once; ``most`` is no more than :data:`PORTION`."""
    for begin in range(0, len(names), most):
        yield names[begin : begin + most]
