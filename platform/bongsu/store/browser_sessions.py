"""Browsers in which somebody has signed in, found by the hash of what only the browser has."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Connection, delete, insert, select, update

from bongsu.domain.sessions import BrowserSession
from bongsu.store.schema_identity import browser_sessions


def add_browser_session(connection: Connection, session: BrowserSession) -> None:
    connection.execute(insert(browser_sessions).values(**asdict(session)))


def find_browser_session(connection: Connection, session: str) -> BrowserSession | None:
    row = connection.execute(select(browser_sessions).where(browser_sessions.c.id == session)).one_or_none()
    return BrowserSession(**row._mapping) if row is not None else None


def take_renewal(connection: Connection, session: str, now: float, until: float) -> bool:
    """True if nobody else asks for another token of the session; then whoever was told so does, until then."""
    free = (browser_sessions.c.id == session) & (browser_sessions.c.renewed_until <= now)
    return connection.execute(update(browser_sessions).where(free).values(renewed_until=until)).rowcount == 1


def renew_browser_session(connection: Connection, session: str, tokens: str, token_ends_at: float) -> None:
    """It has other tokens from now on."""
    values = {"tokens": tokens, "token_ends_at": token_ends_at, "renewed_until": 0.0}
    connection.execute(update(browser_sessions).where(browser_sessions.c.id == session).values(**values))


def give_renewal_back(connection: Connection, session: str) -> None:
    """Whoever asked for another token got none, and somebody may try again."""
    connection.execute(update(browser_sessions).where(browser_sessions.c.id == session).values(renewed_until=0.0))


def end_browser_session(connection: Connection, session: str) -> None:
    connection.execute(delete(browser_sessions).where(browser_sessions.c.id == session))


def end_browser_sessions_of(connection: Connection, person: str) -> None:
    connection.execute(delete(browser_sessions).where(browser_sessions.c.person == person))


def forget_browser_sessions(connection: Connection, before: float) -> None:
    """Take out what was over before then."""
    connection.execute(delete(browser_sessions).where(browser_sessions.c.ends_at < before))
