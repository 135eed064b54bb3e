"""Two ministries with their people, on a platform that runs nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bongsu.artifacts.local import LocalStore
from bongsu.domain.labels import Label
from bongsu.domain.people import Actor, ActorKind, Role
from bongsu.domain.problems import BongsuError
from bongsu.executors.base import Executor
from bongsu.identity.settings import TrustedIssuer
from bongsu.reconciler.lock import FileLock
from bongsu.service.ministries import NewMinistry, found_platform, register_ministry
from bongsu.service.people import NewPerson, add_person, give_role
from bongsu.service.platform import Platform
from bongsu.store.database import Database
from bongsu.store.people import find_person
from bongsu.store.schema_audit import audit_entries

ISSUER = "https://login.example"
NOW = 1_700_000_000.0
MND = NewMinistry("mnd", "국방부", "Ministry of National Defence")
MSIT = NewMinistry("msit", "과학기술정보통신부", "Ministry of Science and ICT")


def new(person: str, kind: ActorKind = ActorKind.PERSON, clearance: str = "O") -> NewPerson:
    return NewPerson(person, f"이름 {person}", ISSUER, f"sub-{person}", kind, Label.parse(clearance), "Vetted")


class Ministries:
    """MND with the operators ``mnd/ok`` and ``mnd/op2``, MSIT with ``msit/op``."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.now = NOW
        self.platform = Platform(
            home=folder,
            database=database,
            stores=lambda tenant: LocalStore(folder / "artifacts" / tenant),
            executor=_none,
            publisher=None,  # type: ignore[arg-type]
            issuers=(TrustedIssuer(ISSUER, "bongsu", ministry_claim="org"),),
            lock=FileLock(folder / "driver.lock"),
            clock=lambda: self.now,
        )
        found_platform(self.platform, MND, new("mnd/op"))
        self.add("mnd/op2", mnd=Role.OPERATOR)
        register_ministry(self.platform, self.actor("mnd/op"), MSIT, new("msit/op"))

    def actor(self, person: str) -> Actor:
        """As somebody who signed in is now."""
        with self.platform.database.read() as connection:
            found = find_person(connection, person)
        assert found is not None
        return Actor(found.id, found.name, found.kind, found.roles, found.clearance)

    def add(self, person: str, kind: ActorKind = ActorKind.PERSON, **roles: Role) -> Actor:
        """Somebody of a ministry, with a role in it, added by its first operator."""
        home = person.partition("/")[0]
        operator = self.actor(f"{home}/op")
        add_person(self.platform, operator, new(person, kind))
        for ministry, role in roles.items():
            give_role(self.platform, operator, person, ministry, role)
        return self.actor(person)

    def log(self, tenant: str) -> list[Mapping[str, Any]]:
        """Entries of a ministry's log, oldest first."""
        query = (
            select(audit_entries.c.entry).where(audit_entries.c.tenant == tenant).order_by(audit_entries.c.position)
        )
        with self.platform.database.read() as connection:
            return [json.loads(entry) for entry in connection.execute(query).scalars()]


def refused(code: str, call: Callable[[], object]) -> None:
    """The call is refused, with this one of the codes of people, or with one that is written in full."""
    with pytest.raises(BongsuError) as caught:
        call()
    assert [problem.code.name for problem in caught.value.problems] == [code if "." in code else f"people.{code}"]


def _none() -> Executor:
    raise AssertionError("nothing is run here")
