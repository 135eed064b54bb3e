"""People as JSON documents: one shape, whichever command or interface gives it. docs/json.md lists its keys."""

from __future__ import annotations

from dataclasses import dataclass

from bongsu.domain.people import ActorKind, Role
from bongsu.service.whoami import Me, Standing
from bongsu.store.people import Person


@dataclass(frozen=True)
class PersonDocument:
    """Somebody, or a service account: roles by ministry in the order of their names, the clearance as labels are
    written."""

    id: str
    name: str
    kind: ActorKind
    clearance: str
    roles: dict[str, list[Role]]
    created_at: float
    disabled_at: float | None
    sent_to: list[str]


@dataclass(frozen=True)
class MeDocument:
    """Whoever asks, and what they are in each ministry in which they are anything."""

    id: str
    name: str
    kind: ActorKind
    clearance: str
    ministries: dict[str, Standing]
    site: str
    version: str


def person_document(person: Person) -> PersonDocument:
    return PersonDocument(
        id=person.id,
        name=person.name,
        kind=person.kind,
        clearance=str(person.clearance),
        roles={ministry: sorted(held) for ministry, held in person.roles.items()},
        created_at=person.created_at,
        disabled_at=person.disabled_at,
        sent_to=sorted(person.sent_to),
    )


def me_document(me: Me) -> MeDocument:
    return MeDocument(me.id, me.name, me.kind, str(me.clearance), me.ministries, me.site, me.version)
