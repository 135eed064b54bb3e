"""Lists of what ministries gave, proposed and stopped: those of the asker's ministries, up to their clearance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Connection

from bongsu.domain.labels import Label
from bongsu.domain.paging import Key, PageRequest, seen_page
from bongsu.domain.people import Actor
from bongsu.domain.tenants import Tenant
from bongsu.policy.access import Permission, cleared_for
from bongsu.service.governance.permission import ministries_for
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask
from bongsu.store.governed_objects import find_objects

T = TypeVar("T")


@dataclass(frozen=True)
class SeenList(Generic[T]):
    """Attributes:
    action: as the log would name it.
    permission: that whoever asks needs in a ministry.
    read: a page of what these ministries have.
    labels: of a page of items, what each carries now; in as many statements for many as for one.
    key: of an item, in the order of the list.
    is_wanted: whether whoever asks has asked for it; everything, if nothing is said.
    """

    action: str
    permission: Permission
    read: Callable[[Connection, list[str], PageRequest], list[T]]
    labels: Callable[[Connection, list[T]], list[Label]]
    key: Callable[[T], Key]
    is_wanted: Callable[[T], bool] = lambda _item: True

    def page(self, platform: Platform, actor: Actor, ministry: str | None, wanted: PageRequest) -> list[T]:
        """Of all ministries of the actor, or of one. Raises ``governance.no-such``."""
        with platform.read() as connection:
            return self.page_in(connection, platform, actor, ministry, wanted)

    def page_in(
        self, connection: Connection, platform: Platform, actor: Actor, ministry: str | None, wanted: PageRequest
    ) -> list[T]:
        """As :meth:`page`, in a snapshot from which more is told."""
        ask = Ask(
            platform, actor, tenant=Tenant(ministry or ""), action=self.action, object=f"ministry:{ministry or ''}"
        )
        named = ministries_for(ask, self.permission, ministry)

        def read(part: PageRequest) -> list[tuple[T, Label]]:
            listed = self.read(connection, named, part)
            return list(zip(listed, self.labels(connection, listed), strict=True))

        found = seen_page(
            read,
            lambda one: self.is_wanted(one[0]) and cleared_for(actor.clearance, one[1]),
            lambda one: self.key(one[0]),
            wanted,
        )
        return [one for one, _label in found]


def as_read(platform: Platform, objects: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The ministry of each of these objects, and the label that it carries, as readings of lists are recorded."""
    with platform.read() as connection:
        labels = labels_of_objects(connection, objects)
    return [(ministry, str(label)) for (ministry, _name), label in zip(objects, labels, strict=True)]


def labels_of_objects(connection: Connection, objects: Sequence[tuple[str, str]]) -> list[Label]:
    """What each of these carries, by ministry and name; nothing if it is gone."""
    found = find_objects(connection, objects)
    return [found[one].thing.label if one in found else Label() for one in objects]
