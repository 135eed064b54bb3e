"""Versions of models and of data sets by the page: of the ministries of who asks, and what others share with these."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

from bongsu.domain.documents import camel
from bongsu.domain.filters import Comparison
from bongsu.domain.paging import PageRequest
from bongsu.domain.people import Actor
from bongsu.policy.access import Permission
from bongsu.service.control_plane import ControlPlane
from bongsu.service.platform import Platform
from bongsu.service.sharing import received_datasets, received_models
from bongsu.store.datasets import list_dataset_versions
from bongsu.store.models import list_versions
from bongsu.store.records import DatasetVersionRecord, ModelVersionRecord

V = TypeVar("V", ModelVersionRecord, DatasetVersionRecord)
Lister = Callable[[Connection, str | None, PageRequest], list[V]]


KEY = (str, str, int)
"""Kinds of the parts of :attr:`Listed.key`."""


@dataclass(frozen=True)
class Listed(Generic[V]):
    """A version, and whose it is."""

    ministry: str
    version: V

    @property
    def key(self) -> tuple[str, str, int]:
        """Ministry, name and number, by which it is found again."""
        return self.ministry, self.version.name, self.version.version


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    Attributes:
        name: only versions of this; None for all.
        ministry: only what this one has, shares or is given; None for all.
        page: which of them; an item's key is that of :class:`Listed`.
    """

    name: str | None
    ministry: str | None
    page: PageRequest


def page_of_models(plane: ControlPlane, actor: Actor, wanted: Wanted) -> list[Listed[ModelVersionRecord]]:
    """By ministry and name, newest version first."""
    everywhere = plane.everywhere(actor, Permission.MODEL_READ)
    own = dict(plane.each(actor, Permission.MODEL_READ))
    return _page(own, received_models(everywhere, wanted.name), list_versions, wanted)


def page_of_datasets(plane: ControlPlane, actor: Actor, wanted: Wanted) -> list[Listed[DatasetVersionRecord]]:
    """As :func:`page_of_models`."""
    everywhere = plane.everywhere(actor, Permission.DATASET_READ)
    own = dict(plane.each(actor, Permission.DATASET_READ))
    return _page(own, received_datasets(everywhere, wanted.name), list_dataset_versions, wanted)


def _page(own: dict[str, Platform], received: Sequence[V], lister: Lister[V], wanted: Wanted) -> list[Listed[V]]:
    """What is received is of ministries in which the asker is nothing, so each ministry's are from one place."""
    given = [
        Listed(one.shared[0].giver, one)
        for one in received
        if _concerns(one, wanted.ministry) and _holds(wanted.page.filters, one)
    ]
    limit, behind = wanted.page.limit, wanted.page.behind
    owners = {name for name in own if wanted.ministry in (None, name)}

    def found() -> Iterator[Listed[V]]:
        left = limit
        for ministry in sorted(owners | {one.ministry for one in given}):
            if behind is not None and ministry < behind[0]:
                continue
            if ministry in owners:
                within = behind[1:] if behind and behind[0] == ministry else None
                with own[ministry].read() as connection:
                    listed = lister(connection, wanted.name, replace(wanted.page, limit=left, behind=within))
                yield from (Listed(ministry, one) for one in listed)
                left = left - len(listed) if left is not None else None
            else:
                yield from _behind([one for one in given if one.ministry == ministry], behind)

    return list(islice(found(), limit))


def _concerns(version: ModelVersionRecord | DatasetVersionRecord, ministry: str | None) -> bool:
    """A ministry has what is shared with it, and what it shares."""
    return ministry is None or any(ministry in (by.giver, by.ministry) for by in version.shared)


def _holds(filters: Sequence[Comparison], version: ModelVersionRecord | DatasetVersionRecord) -> bool:
    """Of a version as it is shown here. A data set does not say whose it is, but for the permits."""
    told: dict[str, Any] = {"ministry": version.shared[0].giver} | {
        camel(field.name): getattr(version, field.name) for field in fields(version)
    }
    return all(one.holds(told[one.field]) for one in filters)


def _behind(found: list[Listed[V]], place: tuple[Any, ...] | None) -> list[Listed[V]]:
    def order(key: tuple[str, str, int]) -> tuple[str, str, int]:
        return key[0], key[1], -key[2]

    found.sort(key=lambda one: order(one.key))
    return [one for one in found if place is None or order(one.key) > order(place)]
