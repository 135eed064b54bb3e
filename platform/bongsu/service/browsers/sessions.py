"""Sessions of browsers: a secret in the browser, its hash in the store beside tokens that only the secret opens.

Each request is judged by the access token that was kept, as one that a program sends: what ends that ends the session.
Replicas share nothing but the store.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from sqlalchemy import Connection

from bongsu.domain.audit import AuditEvent
from bongsu.domain.codes import identity as codes
from bongsu.domain.people import Actor
from bongsu.domain.sessions import BrowserSession
from bongsu.domain.tenants import Tenant
from bongsu.identity.codes import kept_as, new_secret
from bongsu.identity.oauth import GrantType
from bongsu.identity.relying_party import GrantRefusedError, IssuedTokens, ProviderSilentError
from bongsu.identity.sealing import sealed, unsealed
from bongsu.service.browsers.settings import Browsers
from bongsu.store import audit
from bongsu.store.browser_sessions import (
    add_browser_session,
    end_browser_session,
    find_browser_session,
    forget_browser_sessions,
    give_renewal_back,
    renew_browser_session,
    take_renewal,
)
from bongsu.store.people import home_of

RENEWED_BEFORE_S = 30.0
"""An access token that holds for less than that is renewed before it is used."""
_RENEWAL_S = 20.0
_WAIT_S, _PAUSE_S = 10.0, 0.1
_LONGEST_SECRET = 200
_log = logging.getLogger("bongsu.identity")


def make_room(browsers: Browsers) -> None:
    """Take out the sessions that are over."""
    with browsers.database.write() as connection:
        forget_browser_sessions(connection, browsers.clock())


def begin_session(browsers: Browsers, actor: Actor, issuer: str, tokens: IssuedTokens) -> str:
    """The secret of a new one, for who was just verified by these tokens."""
    secret, now = new_secret(), browsers.clock()
    session = BrowserSession(
        id=kept_as(secret),
        person=actor.id,
        issuer=issuer,
        tokens=sealed(secret, tokens),
        token_ends_at=browsers.verifier.verify(tokens.access, now).expires_at,
        ends_at=now + browsers.settings.session_life_s,
    )
    with browsers.database.write() as connection:
        add_browser_session(connection, session)
        _record(connection, actor.id, "browser.begin", issuer, now)
    return secret


def actor_of(browsers: Browsers, secret: str, sleep: Callable[[float], None] = time.sleep) -> Actor:
    """Who signed in with the browser that has this secret, as they are at this moment.

    Args:
        browsers: see there.
        secret: of a session; anybody may send anything.
        sleep: waits for so many seconds.

    Raises:
        BongsuError: ``identity.not-signed-in``.
    """
    held = _held(browsers, secret)
    if held is None:
        raise codes.NOT_SIGNED_IN.error()
    session, tokens = held
    now = browsers.clock()
    if now >= session.token_ends_at - RENEWED_BEFORE_S and tokens.refresh:
        tokens = _renewed(browsers, secret, session, tokens, sleep)
    actor = browsers.identify(tokens.access)
    # Tokens that were renewed are of whoever signed in, or of nobody.
    if actor.id != session.person:
        raise codes.NOT_SIGNED_IN.error()
    return actor


def end_session(browsers: Browsers, secret: str) -> None:
    """Sign out: here at once, and at the provider if it offers that. One that is not known is as good as ended."""
    held = _held(browsers, secret)
    if held is None:
        return
    session, tokens = held
    with browsers.database.write() as connection:
        end_browser_session(connection, session.id)
        _record(connection, session.person, "browser.end", session.issuer, browsers.clock())
    provider = browsers.providers.get(session.issuer)
    if provider is None or not tokens.refresh:
        return
    try:
        provider.revoke(browsers.settings.as_client({"token": tokens.refresh}))
    except (GrantRefusedError, ProviderSilentError) as error:
        # Nobody has the token any more.
        _log.info("%s was not told of a sign-out: %s", session.issuer, type(error).__name__)


def _held(browsers: Browsers, secret: str) -> tuple[BrowserSession, IssuedTokens] | None:
    """The session and its tokens, if it holds."""
    if not secret or len(secret) > _LONGEST_SECRET:
        return None
    with browsers.database.read() as connection:
        session = find_browser_session(connection, kept_as(secret))
    if session is None or browsers.clock() >= session.ends_at:
        return None
    tokens = unsealed(secret, session.tokens)
    return (session, tokens) if tokens is not None else None


def _renewed(
    browsers: Browsers,
    secret: str,
    session: BrowserSession,
    tokens: IssuedTokens,
    sleep: Callable[[float], None],
) -> IssuedTokens:
    """Other tokens, of whichever process gets them: a refresh token that is used twice counts as copied. The old ones
    if there are none; whether they hold yet is seen where they are used."""
    now = browsers.clock()
    with browsers.database.write() as connection:
        is_ours = take_renewal(connection, session.id, now, now + _RENEWAL_S)
    if is_ours:
        return _asked_anew(browsers, secret, session, tokens)
    if now < session.token_ends_at:
        return tokens
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        sleep(_PAUSE_S)
        held = _held(browsers, secret)
        if held is None or held[0].tokens != session.tokens:
            return held[1] if held else tokens
    return tokens


def _asked_anew(browsers: Browsers, secret: str, session: BrowserSession, tokens: IssuedTokens) -> IssuedTokens:
    # Read once more: somebody may have renewed it between our look and our turn.
    held = _held(browsers, secret)
    if held is None:
        return tokens
    if held[0].tokens != session.tokens:
        _give_back(browsers, session)
        return held[1]
    form = {"grant_type": GrantType.REFRESH.value, "refresh_token": tokens.refresh}
    try:
        fresh = browsers.providers[session.issuer].tokens(browsers.settings.as_client(form))
    except (KeyError, GrantRefusedError):
        with browsers.database.write() as connection:
            end_browser_session(connection, session.id)
        return tokens
    except ProviderSilentError:
        _give_back(browsers, session)
        return tokens
    # A provider may let the old one stand (RFC 6749, section 6).
    fresh = IssuedTokens(fresh.access, fresh.refresh or tokens.refresh)
    ends = browsers.verifier.verify(fresh.access, browsers.clock()).expires_at
    with browsers.database.write() as connection:
        renew_browser_session(connection, session.id, sealed(secret, fresh), ends)
    return fresh


def _give_back(browsers: Browsers, session: BrowserSession) -> None:
    with browsers.database.write() as connection:
        give_renewal_back(connection, session.id)


def _record(connection: Connection, person: str, action: str, issuer: str, now: float) -> None:
    event = AuditEvent(Tenant(home_of(person)), person, action, f"person:{person}", now, facts={"issuer": issuer})
    audit.append(connection, event)
