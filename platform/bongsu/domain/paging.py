"""Lists by the page: which part of one is asked for, and how a short list is cut that was read as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from bongsu.domain.filters import Comparison, Kind

T = TypeVar("T")
Key = tuple[Any, ...]
"""By which an item is found again: its place in the order of the list."""


@dataclass(frozen=True)
class PageRequest:
    """Which part of a list is asked for.

    Attributes:
        filters: all of which have to hold.
        limit: at most so many; None for all.
        behind: key of the last item of the page before; None for the first page.
    """

    filters: tuple[Comparison, ...] = ()
    limit: int | None = None
    behind: Key | None = None


WHOLE = PageRequest()


@dataclass(frozen=True)
class ShortList(Generic[T]):
    """How a list is given by the page that is short, and so is read as a whole each time.

    Attributes:
        key: of an item; no two have the same, and items come in the order of their keys.
        kinds: of the parts of a key: ``str``, ``int`` or ``float``.
        fields: what can be filtered by, and its value in an item.
    """

    key: Callable[[T], Key]
    kinds: tuple[type, ...]
    fields: Mapping[str, tuple[Kind, Callable[[T], Any]]]

    @property
    def filterable(self) -> dict[str, Kind]:
        return {name: kind for name, (kind, _value) in self.fields.items()}

    def page(self, found: Iterable[T], wanted: PageRequest) -> list[T]:
        """The part of a list that is asked for."""
        held = (one for one in found if all(self._holds(comparison, one) for comparison in wanted.filters))
        listed = sorted(held, key=self.key)
        behind = wanted.behind
        return [one for one in listed if behind is None or self.key(one) > behind][: wanted.limit]

    def _holds(self, comparison: Comparison, item: T) -> bool:
        _kind, value = self.fields[comparison.field]
        return comparison.holds(value(item))


def seen_page(
    read: Callable[[PageRequest], list[T]],
    sees: Callable[[T], bool],
    key: Callable[[T], Key],
    wanted: PageRequest,
) -> list[T]:
    """A page of what somebody sees of a list: what they do not see leaves no gap in it.

    Args:
        read: a page of the whole list.
        sees: whether an item is there for who asks.
        key: of an item.
        wanted: which page.
    """
    found: list[T] = []
    while True:
        listed = read(wanted)
        found += filter(sees, listed)
        if wanted.limit is None or len(listed) < wanted.limit or len(found) >= wanted.limit:
            return found[: wanted.limit]
        wanted = replace(wanted, behind=key(listed[-1]))
