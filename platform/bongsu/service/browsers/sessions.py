"""Sessions of browsers: a secret in the browser, its hash in the store beside tokens that only the secret opens.

Each request is judged by the access token that was kept, as one that a program sends: what ends that ends the session.
Replicas share nothing but the store.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from bongsu.domain.codes import identity as codes
from bongsu.domain.people import Actor
from bongsu.domain.sessions import BrowserSession
from bongsu.identity.codes import kept_as, new_secret
from bongsu.identity.relying_party import GrantRefusedError, IssuedTokens, ProviderSilentError
from bongsu.identity.sealing import sealed
from bongsu.service.browsers.kept import held_session, record
from bongsu.service.browsers.renewing import RENEWED_BEFORE_S, RenewalDueError, meanwhile, renewed
from bongsu.service.browsers.settings import Browsers
from bongsu.store.browser_sessions import add_browser_session, end_browser_session, forget_browser_sessions

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
        record(connection, actor.id, "browser.begin", issuer, now)
    return secret


def actor_of(browsers: Browsers, secret: str, may_renew: bool = True) -> Actor:
    """Who signed in with the browser that has this secret, as they are at this moment.

    Args:
        browsers: see there.
        secret: of a session; anybody may send anything.
        may_renew: whether its provider may be asked for another access token here, which takes as long as it takes.

    Raises:
        RenewalDueError: it is to be asked, and may not be here.
        BongsuError: ``identity.not-signed-in``; ``identity.provider-silent`` if its access token is over, and the
            provider is being asked for another one or says nothing.
    """
    held = held_session(browsers, secret)
    if held is None:
        raise codes.NOT_SIGNED_IN.error()
    session, tokens = held
    if browsers.clock() >= session.token_ends_at - RENEWED_BEFORE_S and tokens.refresh:
        if browsers.clock() < session.renewed_until:
            tokens = meanwhile(browsers, session, tokens)
        elif may_renew:
            tokens = renewed(browsers, secret, session, tokens)
        else:
            raise RenewalDueError(session.issuer)
    actor = browsers.identify(tokens.access)
    # Tokens that were renewed are of whoever signed in, or of nobody.
    if actor.id != session.person:
        raise codes.NOT_SIGNED_IN.error()
    return actor


@dataclass(frozen=True)
class Ended:
    """A session that was ended here, as its provider is told of it.

    Attributes:
        issuer: of the provider.
        refresh: token that is to count no longer; empty if there is none.
    """

    issuer: str
    refresh: str


def end_session(browsers: Browsers, secret: str) -> Ended | None:
    """Sign out here, at once; None if it is not known, which is as good as ended, or somebody else was first. Its
    provider is told by :func:`tell_provider`."""
    held = held_session(browsers, secret)
    if held is None:
        return None
    session, tokens = held
    with browsers.database.write() as connection:
        if not end_browser_session(connection, session.id):
            return None  # somebody else was first, and wrote it down
        record(connection, session.person, "browser.end", session.issuer, browsers.clock())
    return Ended(session.issuer, tokens.refresh)


def tell_provider(browsers: Browsers, ended: Ended) -> None:
    """Of a session that was ended here, if it offers that."""
    provider = browsers.providers.get(ended.issuer)
    if provider is None or not ended.refresh:
        return
    try:
        provider.revoke(browsers.settings.as_client({"token": ended.refresh}))
    except (GrantRefusedError, ProviderSilentError) as error:
        # Nobody has the token any more.
        _log.info("%s was not told of a sign-out: %s", ended.issuer, type(error).__name__)
