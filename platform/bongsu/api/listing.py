"""What every list of the API takes, and how it answers: some of it, by the page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import Depends, Request
from fastapi.responses import Response

from bongsu.api.answers import Cursor, Fields, Filter, Limit, answer, page, place_of
from bongsu.domain.documents import plain
from bongsu.domain.filters import Kind, parse_filter
from bongsu.domain.paging import Key, PageRequest

T = TypeVar("T")
# They say which part is given of a list, and not of which list.
_OF_A_PAGE = frozenset({"limit", "cursor", "fields"})


class Listed(Protocol):
    """How a list is put in order, and what it can be filtered by: :class:`bongsu.store.listing.Listing`,
    :class:`bongsu.domain.paging.ShortList`."""

    @property
    def kinds(self) -> tuple[type, ...]: ...

    @property
    def filterable(self) -> Mapping[str, Kind]: ...


class ListQuery:
    """Which part of a list a request asks for."""

    def __init__(
        self, request: Request, filter: Filter = "", limit: Limit = 50, cursor: Cursor = "", fields: Fields = ""
    ) -> None:
        self._request = request
        self._filter = filter
        self._limit = limit
        self._cursor = cursor
        self._fields = fields
        given = sorted(one for one in request.query_params.multi_items() if one[0] not in _OF_A_PAGE)
        self._asked = json.dumps([request.url.path, given])

    def of(self, listed: Listed) -> PageRequest:
        """The page, and one item more. Raises ``api.bad-cursor``, ``api.bad-filter``, ``api.unknown-field``,
        ``api.unknown-value``."""
        return self.page(listed.filterable, *listed.kinds)

    def page(self, filterable: Mapping[str, Kind], *kinds: type) -> PageRequest:
        """As :meth:`of`, of a list that can be filtered by these fields, and whose keys have such parts."""
        place = place_of(self._cursor, self._asked, *kinds)
        filters = parse_filter(self._filter, filterable)
        return PageRequest(filters, self._limit + 1, place.key if place else None)

    def shown(self, found: Sequence[T]) -> Sequence[T]:
        """Without the item that shows that there are more."""
        return found[: self._limit]

    def answer(self, found: Sequence[T], key: Callable[[T], Key], told: Callable[[T], Any] = plain) -> Response:
        """A page of what was found.

        Args:
            found: what :meth:`of` asked for.
            key: what an item is found by again.
            told: an item's document.

        Raises:
            BongsuError: ``api.unknown-field``.
        """
        return answer(self._request, page(found, self._limit, self._asked, key, told), self._fields)


Listing = Annotated[ListQuery, Depends()]
