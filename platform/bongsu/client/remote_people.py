"""Ministries, people and service accounts on a server, as the command line asks for them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from bongsu.client.grades import grades_of
from bongsu.client.http import Server
from bongsu.client.ministry import in_one_ministry
from bongsu.domain.codes import people as codes
from bongsu.domain.documents import plain
from bongsu.domain.grades import GradeScheme
from bongsu.domain.labels import Label
from bongsu.domain.people import MINISTRY_NAME, PERSON_ID, ActorKind, Role
from bongsu.service.ministries import NewMinistry, Receiver
from bongsu.service.people import NewPerson
from bongsu.service.service_accounts import SecretSummary, ShownSecret
from bongsu.service.whoami import Me
from bongsu.store.people import Ministry, Person

_MINISTRIES = "/v1/ministries"


class RemotePeople:
    """See :class:`bongsu.service.planes.people.PeoplePlane`.

    Args:
        server: which.
        ministry: in which the asker acts; their only one if none is named.
    """

    def __init__(self, server: Server, ministry: str | None) -> None:
        self._server = server
        self._usual = ministry

    def me(self) -> Me:
        return self._server.get("/v1/me", Me)

    def issuer_for(self, kind: ActorKind) -> str:
        about = self._server.json("GET", "/v1/server")
        if kind is ActorKind.SERVICE:
            return about.get("serviceIssuer") or ""
        return (about.get("signIn") or {}).get("issuer") or ""

    def grades(self) -> GradeScheme:
        return grades_of(self._server)

    def ministries(self) -> list[Ministry]:
        return list(self._server.pages(_MINISTRIES, Ministry))

    def receivers(self) -> list[Receiver]:
        return list(self._server.pages(f"{_MINISTRIES}/receivers", Receiver))

    def register(self, new: NewMinistry, operator: NewPerson) -> Ministry:
        return self._server.made(_MINISTRIES, Ministry, plain(new) | {"operator": _told(operator)})

    def close(self, ministry: str, witness: str | None) -> Ministry:
        return self._server.made(f"{_at(ministry)}/close", Ministry, {"witness": witness})

    def people(self, ministry: str | None, kind: ActorKind | None) -> list[Person]:
        return list(self._server.pages(f"{_at(self._one(ministry))}/people", Person, kind=kind))

    def person(self, person: str) -> Person:
        return self._server.get(_of(person), Person)

    def add(self, new: NewPerson) -> Person:
        return self._server.made("/v1/people", Person, _told(new))

    def give_role(self, person: str, role: Role, ministry: str | None) -> Person:
        return self._changed(person, "roles/give", ministry=self._one(ministry), role=role)

    def take_role(self, person: str, role: Role, ministry: str | None) -> Person:
        return self._changed(person, "roles/take", ministry=self._one(ministry), role=role)

    def set_clearance(self, person: str, clearance: Label, reason: str) -> Person:
        return self._changed(person, "clearance", clearance=str(clearance), reason=reason)

    def disable(self, person: str) -> Person:
        return self._server.made(f"{_of(person)}/disable", Person)

    def send(self, person: str, ministry: str) -> Person:
        return self._changed(person, "secondments/send", ministry=ministry)

    def recall(self, person: str, ministry: str) -> Person:
        return self._changed(person, "secondments/recall", ministry=ministry)

    def secrets(self, account: str) -> list[SecretSummary]:
        return list(self._server.pages(f"{_of(account)}/secrets", SecretSummary))

    def new_secret(self, account: str, overlap_s: float) -> ShownSecret:
        return self._server.made_once(f"{_of(account)}/secrets", ShownSecret, {"overlapSeconds": overlap_s})

    def withdraw_secret(self, account: str, secret: str) -> None:
        self._server.post(f"{_of(account)}/secrets/{quote(secret, safe='')}/withdraw")

    def _changed(self, person: str, what: str, **body: Any) -> Person:
        return self._server.made_once(f"{_of(person)}/{what}", Person, body)

    def _one(self, named: str | None) -> str:
        return in_one_ministry(self._server, named or self._usual)


def _told(new: NewPerson) -> dict[str, Any]:
    document: dict[str, Any] = plain(new)
    return document | {"clearance": str(new.clearance)}


def _of(person: str) -> str:
    """Raises ``people.unknown``, as the server would, for what can be nobody's id and is no part of an address."""
    if PERSON_ID.fullmatch(person) is None:
        raise codes.UNKNOWN_PERSON.error(person=person)
    return f"/v1/people/{person}"


def _at(ministry: str) -> str:
    """Raises ``people.unknown-ministry``, as the server would, for what can be no ministry's name."""
    if MINISTRY_NAME.fullmatch(ministry) is None:
        raise codes.UNKNOWN_MINISTRY.error(ministry=ministry)
    return f"{_MINISTRIES}/{ministry}"
