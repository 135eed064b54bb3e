"""Another access token for a session of a browser, asked for once among all processes.

A refresh token that is used twice counts as copied, and its provider ends all that came of it. So a process takes a
turn in the store; it has the turn for longer than asking a provider may take, and what it writes says which turn it is.
A process that was stopped for longer than that may come back with good tokens: they count if the session has none that
are newer, and nobody who came after it ends the session meanwhile.
"""

from __future__ import annotations

from bongsu.domain.codes import identity as codes
from bongsu.domain.problems import BongsuError
from bongsu.domain.sessions import BrowserSession
from bongsu.identity.oauth import GrantType
from bongsu.identity.parsing import said_end
from bongsu.identity.relying_party import GrantRefusedError, IssuedTokens, ProviderSilentError
from bongsu.identity.sealing import sealed
from bongsu.identity.settings import MAX_FETCH_S
from bongsu.service.browsers.kept import held_session, record
from bongsu.service.browsers.settings import Browsers
from bongsu.store.browser_sessions import (
    end_browser_session,
    give_renewal_back,
    renew_browser_session,
    take_renewal,
)

RENEWED_BEFORE_S = 30.0
"""An access token that holds for less than that is renewed before it is used."""
# A provider is asked for where it gives tokens, and for the tokens; then the store takes some time.
RENEWAL_S = 2 * MAX_FETCH_S + 8.0
_LOOKED_AT_AGAIN_S = 60.0


class RenewalDueError(Exception):
    """The provider of a session is to be asked for another access token."""

    def __init__(self, issuer: str) -> None:
        super().__init__(issuer)
        self.issuer = issuer


class RenewalUnderWayError(BongsuError):
    """``identity.provider-silent``: somebody else asks it at this moment, and may have an answer soon."""

    def __init__(self, issuer: str) -> None:
        super().__init__([codes.PROVIDER_SILENT.at(issuer=issuer)])
        self.issuer = issuer


def renewed(browsers: Browsers, secret: str, session: BrowserSession, tokens: IssuedTokens) -> IssuedTokens:
    """The tokens of a session whose access token is over, or about to be; the old ones while they hold and there are no
    others.

    Raises:
        BongsuError: ``identity.not-signed-in`` if the provider gives no others; ``identity.provider-silent`` if it says
            nothing, or somebody else asks it at this moment.
    """
    now = browsers.clock()
    turn = now + RENEWAL_S
    with browsers.database.write() as connection:
        is_ours = take_renewal(connection, session.id, now, turn)
    if not is_ours:
        return meanwhile(browsers, session, tokens)
    found = _asked_anew(browsers, secret, session, tokens, turn)
    if found is not None:
        return found
    if browsers.clock() < session.token_ends_at:
        return tokens
    raise codes.PROVIDER_SILENT.error(issuer=session.issuer)


def meanwhile(browsers: Browsers, session: BrowserSession, tokens: IssuedTokens) -> IssuedTokens:
    """What is used while somebody else asks the provider: the tokens that there are, while they hold. Raises
    RenewalUnderWayError."""
    if browsers.clock() >= session.token_ends_at:
        raise RenewalUnderWayError(session.issuer)
    return tokens


def _asked_anew(
    browsers: Browsers, secret: str, session: BrowserSession, tokens: IssuedTokens, turn: float
) -> IssuedTokens | None:
    """None if the provider says nothing."""
    # Read once more: somebody may have renewed it between our look and our turn.
    if (newer := _newer(browsers, secret, session)) is not None:
        _give_back(browsers, session, turn)
        return newer
    form = {"grant_type": GrantType.REFRESH.value, "refresh_token": tokens.refresh}
    try:
        fresh = browsers.providers[session.issuer].tokens(browsers.settings.as_client(form))
    except (KeyError, GrantRefusedError):
        return _refused(browsers, secret, session, turn)
    except ProviderSilentError:
        _give_back(browsers, session, turn)
        return None
    # A provider may let the old one stand (RFC 6749, section 6).
    fresh = IssuedTokens(fresh.access, fresh.refresh or tokens.refresh)
    # They are kept whatever they are, for there will be no others: whether they hold is looked at where they are used.
    ends = _end_of(browsers, fresh)
    with browsers.database.write() as connection:
        is_kept = renew_browser_session(connection, session.id, session.tokens, sealed(secret, fresh), ends)
    return fresh if is_kept else _newer(browsers, secret, session)


def _refused(browsers: Browsers, secret: str, session: BrowserSession, turn: float) -> IssuedTokens:
    """The provider gives no others for a refresh token: it may have given them to somebody else."""
    if (newer := _newer(browsers, secret, session)) is not None:
        return newer
    # Whose turn ran out may have them yet.
    if session.renewed_until == 0.0:
        with browsers.database.write() as connection:
            if end_browser_session(connection, session.id, turn):
                record(connection, session.person, "browser.end", session.issuer, browsers.clock())
    raise codes.NOT_SIGNED_IN.error()


def _newer(browsers: Browsers, secret: str, session: BrowserSession) -> IssuedTokens | None:
    """Tokens that the session got since we looked. Raises ``identity.not-signed-in`` if it has ended."""
    held = held_session(browsers, secret)
    if held is None:
        raise codes.NOT_SIGNED_IN.error()
    return held[1] if held[0].tokens != session.tokens else None


def _end_of(browsers: Browsers, tokens: IssuedTokens) -> float:
    """Until when an access token holds, as far as it says so itself."""
    return said_end(tokens.access) or browsers.clock() + _LOOKED_AT_AGAIN_S


def _give_back(browsers: Browsers, session: BrowserSession, turn: float) -> None:
    with browsers.database.write() as connection:
        give_renewal_back(connection, session.id, turn)
