"""Refresh tokens of the built-in issuer, and the families in which they end together."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Connection, delete, insert, select, update

from bongsu.domain.sessions import RefreshGrant, SessionFamily
from bongsu.store.schema_identity import refresh_grants, session_families


def add_family(connection: Connection, family: SessionFamily) -> None:
    connection.execute(insert(session_families).values(**asdict(family)))


def find_family(connection: Connection, family: str) -> SessionFamily | None:
    """Locked until the transaction ends: of two that refresh with the same token, one is second."""
    query = select(session_families).where(session_families.c.id == family).with_for_update()
    row = connection.execute(query).one_or_none()
    return SessionFamily(**row._mapping) if row is not None else None


def end_family(connection: Connection, family: str, now: float) -> None:
    """None of its tokens holds from now on. The first time stays."""
    open_one = (session_families.c.id == family) & session_families.c.ended_at.is_(None)
    connection.execute(update(session_families).where(open_one).values(ended_at=now))


def end_families_of(connection: Connection, subject: str, now: float) -> None:
    """As :func:`end_family`, of everything that somebody signed in to."""
    open_ones = (session_families.c.subject == subject) & session_families.c.ended_at.is_(None)
    connection.execute(update(session_families).where(open_ones).values(ended_at=now))


def add_refresh(connection: Connection, grant: RefreshGrant) -> None:
    connection.execute(insert(refresh_grants).values(**asdict(grant)))


def family_of_token(connection: Connection, token: str) -> str | None:
    """The family that a token's hash belongs to."""
    return connection.execute(select(refresh_grants.c.family).where(refresh_grants.c.token == token)).scalar()


def find_refresh(connection: Connection, token: str) -> RefreshGrant | None:
    """By its hash. Read with its family locked."""
    row = connection.execute(select(refresh_grants).where(refresh_grants.c.token == token)).one_or_none()
    return RefreshGrant(**row._mapping) if row is not None else None


def use_refresh(connection: Connection, token: str, now: float) -> None:
    """Another takes its place."""
    connection.execute(update(refresh_grants).where(refresh_grants.c.token == token).values(used_at=now))


def forget_sessions(connection: Connection, before: float) -> None:
    """Take out families that were over before then, with their tokens."""
    connection.execute(delete(session_families).where(session_families.c.expires_at < before))
