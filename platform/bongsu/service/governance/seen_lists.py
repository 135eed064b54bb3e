"""Lists of what ministries gave, proposed and stopped: those of the asker's ministries, up to their clearance."""

from __future__ import annotations

from collections.abc import Callable
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
from bongsu.store.governed_objects import find_object

T = TypeVar("T")


@dataclass(frozen=True)
class SeenList(Generic[T]):
    """Attributes:
    action: as the log would name it.
    permission: that whoever asks needs in a ministry.
    read: a page of what these ministries have.
    label: that an item carries now.
    key: of an item, in the order of the list.
    """

    action: str
    permission: Permission
    read: Callable[[Connection, list[str], PageRequest], list[T]]
    label: Callable[[Connection, T], Label]
    key: Callable[[T], Key]

    def page(self, platform: Platform, actor: Actor, ministry: str | None, wanted: PageRequest) -> list[T]:
        """Of all ministries of the actor, or of one. Raises ``governance.no-such``."""
        ask = Ask(
            platform, actor, tenant=Tenant(ministry or ""), action=self.action, object=f"ministry:{ministry or ''}"
        )
        with platform.read() as connection:
            named = ministries_for(ask, self.permission, ministry)
            return seen_page(
                lambda part: self.read(connection, named, part),
                lambda one: cleared_for(actor.clearance, self.label(connection, one)),
                self.key,
                wanted,
            )


def label_of_object(connection: Connection, ministry: str, name: str) -> Label:
    """What a ministry's object carries; nothing if it is gone."""
    found = find_object(connection, ministry, name)
    return found.thing.label if found else Label()
