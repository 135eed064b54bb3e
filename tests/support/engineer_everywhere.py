"""Ministries in a database that a server is to be started on, with one person who is an engineer in each of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert

from bongsu.domain.labels import Grade, Label
from bongsu.domain.people import ActorKind, Role
from bongsu.domain.tenants import Tenant
from bongsu.domain.use_register import Evidence, PermittedUse, Tier
from bongsu.domain.uses import UseClass
from bongsu.store.database import open_database
from bongsu.store.permitted_uses import add_use
from bongsu.store.schema_people import memberships, ministries, people, subjects
from bongsu.store.scope import EVERYTHING

PERSON = "everywhere"
_BEGAN, _ENDS = 1_600_000_000.0, 4_000_000_000.0


def seed_people(url: str, issuer: str, names: Sequence[str]) -> None:
    """The person is :data:`PERSON` for the issuer, cleared for S; administration is permitted in each ministry.

    Args:
        url: of a migrated database.
        issuer: URL of the identity provider.
        names: of the ministries.
    """
    database = open_database(url)
    with database.write(EVERYTHING) as connection:
        values = {"id": PERSON, "name": PERSON, "kind": ActorKind.PERSON.value, "created_at": _BEGAN}
        connection.execute(insert(people).values(**values, clearance=str(Label(grade=Grade.SENSITIVE))))
        connection.execute(insert(subjects).values(ministry="mnd", issuer=issuer, subject=PERSON, person=PERSON))
        for name in names:
            titles = {"title_ko": name, "title_en": name}
            connection.execute(insert(ministries).values(name=name, created_at=_BEGAN, owns_gpus=True, **titles))
            role = {"person": PERSON, "ministry": name, "role": Role.ENGINEER.value}
            connection.execute(insert(memberships).values(**role))
            add_use(connection, _administration(name))
    database.close()


def _administration(ministry: str) -> PermittedUse:
    return PermittedUse(
        id=f"use-{ministry}",
        ministry=Tenant(ministry),
        use_class=UseClass.ADMINISTRATION,
        tier=Tier.I,
        statement="Draft administrative documents",
        conditions="",
        owner=PERSON,
        evidence=Evidence("https://example.org/assessment", _BEGAN),
        begins_at=_BEGAN,
        ends_at=_ENDS,
        registered_by=PERSON,
        registered_at=_BEGAN,
    )
