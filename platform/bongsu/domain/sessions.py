"""What the built-in issuer remembers of a sign-in under way, and of the tokens that came of it; and what a server
remembers of a browser in which somebody has signed in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DeviceState(StrEnum):
    """``USED``: tokens were given for it; it gives none again."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    USED = "used"


@dataclass(frozen=True)
class DeviceGrant:
    """A device that waits until somebody signs in elsewhere (RFC 8628).

    Attributes:
        code: hash of the device code.
        user_code: what somebody types, without the hyphen.
        client: which asked.
        scope: as it asked.
        expires_at: seconds since the epoch.
        interval_s: between two questions at least; grows when they come faster.
        polled_at: of the last question; None before the first.
        state: how far it is.
        subject: who signed in; empty until then.
        family: of the tokens that were given for it; empty while none were.
    """

    code: str
    user_code: str
    client: str
    scope: str
    expires_at: float
    interval_s: int
    polled_at: float | None = None
    state: DeviceState = DeviceState.PENDING
    subject: str = ""
    family: str = ""


@dataclass(frozen=True)
class CodeGrant:
    """An authorization code that was given to a browser (RFC 6749 section 4.1, RFC 7636).

    Attributes:
        code: hash of it.
        client, redirect_uri, scope: as the request had them; the exchange has to say the same.
        challenge: S256 of what only the client that asked knows.
        nonce: for the id token; empty if the client gave none.
        subject: who signed in.
        expires_at: seconds since the epoch.
        family: of the tokens that were given for it; empty while none were.
    """

    code: str
    client: str
    redirect_uri: str
    scope: str
    challenge: str
    nonce: str
    subject: str
    expires_at: float
    family: str = ""


@dataclass(frozen=True)
class SessionFamily:
    """All refresh tokens that descend from one sign-in; they end together (RFC 9700, section 4.14.2).

    Attributes:
        id: of no meaning.
        client, subject, scope: whose they are.
        signed_in_at, expires_at: seconds since the epoch; the end is not moved by refreshing.
        ended_at: since when none of them holds; None while they do.
    """

    id: str
    client: str
    subject: str
    scope: str
    signed_in_at: float
    expires_at: float
    ended_at: float | None = None


@dataclass(frozen=True)
class RefreshGrant:
    """One refresh token.

    Attributes:
        token: hash of it.
        family: that it belongs to.
        expires_at: seconds since the epoch.
        used_at: when the next one was given for it; None while it is the newest.
    """

    token: str
    family: str
    expires_at: float
    used_at: float | None = None


@dataclass(frozen=True)
class BrowserSession:
    """A browser in which somebody has signed in.

    Attributes:
        id: hash of the secret that the browser has.
        person: who signed in.
        issuer: at which.
        tokens: of the issuer, sealed by the browser's secret.
        token_ends_at: until then its access token holds, in seconds since the epoch.
        ends_at: until then the session holds at most.
        renewed_until: until then a process asks the issuer for another token; 0 while none does.
    """

    id: str
    person: str
    issuer: str
    tokens: str
    token_ends_at: float
    ends_at: float
    renewed_until: float = 0.0
