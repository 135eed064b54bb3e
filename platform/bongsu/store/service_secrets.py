"""Secrets of service accounts, as hashes."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, and_, insert, or_, select, update

from bongsu.store.schema_identity import service_secrets


@dataclass(frozen=True)
class ServiceSecret:
    """Attributes:
    person: id of the service account.
    id: of the secret; says nothing of it.
    hash: of it.
    created_at, ends_at: seconds since the epoch; None while it was not replaced.
    """

    person: str
    id: str
    hash: str
    created_at: float
    ends_at: float | None = None


def add_secret(connection: Connection, secret: ServiceSecret) -> None:
    connection.execute(
        insert(service_secrets).values(
            person=secret.person,
            id=secret.id,
            hash=secret.hash,
            created_at=secret.created_at,
            ends_at=secret.ends_at,
        )
    )


def secrets_of(connection: Connection, person: str, now: float) -> list[ServiceSecret]:
    """Those that hold, oldest first."""
    query = (
        select(service_secrets)
        .where(service_secrets.c.person == person)
        .where(or_(service_secrets.c.ends_at.is_(None), service_secrets.c.ends_at > now))
        .order_by(service_secrets.c.created_at, service_secrets.c.id)
    )
    return [ServiceSecret(**row._mapping) for row in connection.execute(query)]


def find_secret(connection: Connection, person: str, secret: str) -> ServiceSecret | None:
    """By its id, whether or not it holds still."""
    is_it = and_(service_secrets.c.person == person, service_secrets.c.id == secret)
    row = connection.execute(select(service_secrets).where(is_it)).one_or_none()
    return ServiceSecret(**row._mapping) if row else None


def end_secret(connection: Connection, person: str, secret: str, ends_at: float) -> None:
    """It holds until then, and no longer than it did."""
    connection.execute(
        update(service_secrets)
        .where(service_secrets.c.person == person, service_secrets.c.id == secret)
        .where(or_(service_secrets.c.ends_at.is_(None), service_secrets.c.ends_at > ends_at))
        .values(ends_at=ends_at)
    )
