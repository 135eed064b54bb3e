"""Who somebody is to a server."""

from __future__ import annotations

from dataclasses import dataclass, field

from bongsu import __version__
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.people import Actor, ActorKind
from bongsu.policy.access import permissions_in


@dataclass(frozen=True)
class Standing:
    """What somebody is in a ministry, and what they may do there; words of a newer server may be others than ours."""

    roles: tuple[str, ...]
    permissions: tuple[str, ...]


@dataclass(frozen=True)
class Me:
    """Whoever asks.

    Attributes:
        id, name, kind: as their ministry added them.
        clearance: what they may see at most.
        ministries: what they are in each in which they are anything.
        site, version: of the server.
    """

    id: str
    name: str
    kind: ActorKind = ActorKind.PERSON
    clearance: Label = OPEN
    ministries: dict[str, Standing] = field(default_factory=dict)
    site: str = ""
    version: str = __version__


def who_asks(actor: Actor, site: str) -> Me:
    """Roles, permissions and clearance, each in the order of their names."""
    ministries = {
        name: Standing(
            tuple(sorted(role.value for role in actor.is_in(name))),
            tuple(sorted(permission.value for permission in permissions_in(actor, name))),
        )
        for name in sorted(actor.ministries)
    }
    return Me(actor.id, actor.name, actor.kind, actor.clearance, ministries, site)
