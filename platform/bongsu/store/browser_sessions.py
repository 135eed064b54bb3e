"""Browsers in which somebody has signed in, found by the hash of what only the browser has."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from bongsu.domain.sessions import BrowserSession
from bongsu.store.schema_identity import browser_sessions


def add_browser_session(connection: Connection, session: BrowserSession) -> None:
    connection.execute(insert(browser_sessions).values(**asdict(session)))


def find_browser_session(connection: Connection, session: str) -> BrowserSession | None:
    row = connection.execute(select(browser_sessions).where(browser_sessions.c.id == session)).one_or_none()
    return BrowserSession(**row._mapping) if row is not None else None


def take_renewal(connection: Connection, session: str, now: float, until: float) -> bool:
    """True if nobody else asks for another token of the session; then whoever was told so does, until then. ``until``
    is the name of the turn, too: each is above the one before."""
    free = (browser_sessions.c.id == session) & (browser_sessions.c.renewed_until <= now)
    return connection.execute(update(browser_sessions).where(free).values(renewed_until=until)).rowcount == 1


def renew_browser_session(
    connection: Connection, session: str, before: str, tokens: str, token_ends_at: float
) -> bool:
    """It has other tokens from now on, if it had those that these were given for: also from whoever was slower than its
    turn, for nobody gets others for a refresh token that was used. False if somebody else was first."""
    same = (browser_sessions.c.id == session) & (browser_sessions.c.tokens == before)
    values = {"tokens": tokens, "token_ends_at": token_ends_at, "renewed_until": 0.0}
    return connection.execute(update(browser_sessions).where(same).values(**values)).rowcount == 1


def give_renewal_back(connection: Connection, session: str, turn: float) -> None:
    """Whoever asked for another token got none, and somebody may try again; nothing if it is another one's turn."""
    connection.execute(update(browser_sessions).where(_in_turn(session, turn)).values(renewed_until=0.0))


def end_browser_session(connection: Connection, session: str, turn: float | None = None) -> bool:
    """Whether this ended it.

    Args:
        connection: of a transaction.
        session: its id.
        turn: only if it is that one's yet.
    """
    which = browser_sessions.c.id == session if turn is None else _in_turn(session, turn)
    return connection.execute(delete(browser_sessions).where(which)).rowcount == 1


def end_browser_sessions_of(connection: Connection, person: str) -> None:
    connection.execute(delete(browser_sessions).where(browser_sessions.c.person == person))


def forget_browser_sessions(connection: Connection, before: float) -> None:
    """Take out what was over before then."""
    connection.execute(delete(browser_sessions).where(browser_sessions.c.ends_at < before))


def _in_turn(session: str, turn: float) -> ColumnElement[bool]:
    return (browser_sessions.c.id == session) & (browser_sessions.c.renewed_until == turn)
