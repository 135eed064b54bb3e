"""Versions of models and of data sets by the page: of the ministries of who asks, and what others share with these."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from sqlalchemy import Connection

from bongsu.domain.people import Actor
from bongsu.policy.access import Permission
from bongsu.service.control_plane import ControlPlane
from bongsu.service.platform import Platform
from bongsu.service.sharing import received_datasets, received_models
from bongsu.store.datasets import list_dataset_versions
from bongsu.store.models import list_versions
from bongsu.store.records import DatasetVersionRecord, ModelVersionRecord

V = TypeVar("V", ModelVersionRecord, DatasetVersionRecord)
Lister = Callable[[Connection, str | None, int | None, tuple[str, int] | None], list[V]]


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
        limit: at most so many.
        behind: key of the last one of the page before; None for the first page.
    """

    name: str | None
    ministry: str | None
    limit: int
    behind: tuple[str, str, int] | None = None


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
    given = [Listed(one.shared[0].giver, one) for one in received if _concerns(one, wanted.ministry)]
    owners = {name for name in own if wanted.ministry in (None, name)}

    def found() -> Iterator[Listed[V]]:
        left = wanted.limit
        for ministry in sorted(owners | {one.ministry for one in given}):
            if wanted.behind is not None and ministry < wanted.behind[0]:
                continue
            if ministry in owners:
                behind = wanted.behind[1:] if wanted.behind and wanted.behind[0] == ministry else None
                with own[ministry].read() as connection:
                    listed = lister(connection, wanted.name, left, behind)
                yield from (Listed(ministry, one) for one in listed)
                left -= len(listed)
            else:
                yield from _behind([one for one in given if one.ministry == ministry], wanted.behind)

    return list(islice(found(), wanted.limit))


def _concerns(version: ModelVersionRecord | DatasetVersionRecord, ministry: str | None) -> bool:
    """A ministry has what is shared with it, and what it shares."""
    return ministry is None or any(ministry in (by.giver, by.ministry) for by in version.shared)


def _behind(found: list[Listed[V]], place: tuple[str, str, int] | None) -> list[Listed[V]]:
    def order(key: tuple[str, str, int]) -> tuple[str, str, int]:
        return key[0], key[1], -key[2]

    found.sort(key=lambda one: order(one.key))
    return [one for one in found if place is None or order(one.key) > order(place)]
