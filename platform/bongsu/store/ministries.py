"""Ministries, and accounts as they are at this moment: what decisions that were made earlier are held against."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from bongsu.domain.labels import Label
from bongsu.domain.people import Actor, ActorKind, Role
from bongsu.store.schema_people import memberships, ministries, people

_ANY = select(ministries.c.name).limit(1)


def is_governed(connection: Connection) -> bool:
    """True if ministries share this store; a home of one person has none, and its owner answers for everything."""
    return connection.execute(_ANY).scalar() is not None


def takes_part(connection: Connection, ministry: str) -> bool:
    """True for a ministry that is registered and was not closed."""
    query = select(ministries.c.name).where(ministries.c.name == ministry, ministries.c.closed_at.is_(None))
    return connection.execute(query).scalar() is not None


def owns_gpus(connection: Connection, ministry: str) -> bool:
    """True for a ministry of which it was said where the platform is installed."""
    query = select(ministries.c.name).where(ministries.c.name == ministry, ministries.c.owns_gpus)
    return connection.execute(query).scalar() is not None


def open_accounts(connection: Connection, ids: Iterable[str]) -> dict[str, Actor]:
    """Accounts by id, without those that are unknown or disabled."""
    wanted = sorted(set(ids))
    query = select(people).where(people.c.id.in_(wanted), people.c.disabled_at.is_(None))
    found = list(connection.execute(query))
    roles: dict[str, dict[str, set[Role]]] = {}
    for row in connection.execute(select(memberships).where(memberships.c.person.in_(wanted))):
        roles.setdefault(row.person, {}).setdefault(row.ministry, set()).add(Role(row.role))
    return {
        row.id: Actor(
            id=row.id,
            name=row.name,
            kind=ActorKind(row.kind),
            roles={ministry: frozenset(held) for ministry, held in roles.get(row.id, {}).items()},
            clearance=Label.parse(row.clearance),
        )
        for row in found
    }
