"""Sessions of browsers as the store has them, and what the log of their ministry says of them."""

from __future__ import annotations

from sqlalchemy import Connection

from bongsu.domain.audit import Author
from bongsu.domain.sessions import BrowserSession
from bongsu.domain.tenants import Tenant
from bongsu.identity.codes import kept_as
from bongsu.identity.relying_party import IssuedTokens
from bongsu.identity.sealing import unsealed
from bongsu.service.browsers.settings import Browsers
from bongsu.store import audit
from bongsu.store.browser_sessions import find_browser_session
from bongsu.store.people import home_of

_LONGEST_SECRET = 200


def held_session(browsers: Browsers, secret: str) -> tuple[BrowserSession, IssuedTokens] | None:
    """The session and its tokens, if it holds."""
    if not secret or len(secret) > _LONGEST_SECRET:
        return None
    with browsers.database.read() as connection:
        session = find_browser_session(connection, kept_as(secret))
    if session is None or browsers.clock() >= session.ends_at:
        return None
    tokens = unsealed(secret, session.tokens)
    return (session, tokens) if tokens is not None else None


def record(connection: Connection, person: str, action: str, issuer: str, now: float) -> None:
    themselves = Author(Tenant(home_of(person)), person)
    audit.append(connection, themselves.did(action, f"person:{person}", now, facts={"issuer": issuer}))
