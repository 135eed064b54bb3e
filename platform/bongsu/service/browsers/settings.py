"""What signing in with a browser works on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from bongsu.domain.codes import identity as codes
from bongsu.domain.messages import N_
from bongsu.domain.people import Actor
from bongsu.domain.phrases import phrase
from bongsu.domain.server_defaults import BROWSER_CLIENT
from bongsu.identity.relying_party import Provider
from bongsu.identity.settings import is_safe_url
from bongsu.identity.verifier import TokenVerifier
from bongsu.store.database import Database

SESSION_PATH = "/v1/session"
CALLBACK_PATH = f"{SESSION_PATH}/callback"


@dataclass(frozen=True)
class BrowserSettings:
    """Attributes:
    url: under which people reach the server: scheme, host, and port.
    client_id: what the server is called at its identity providers.
    client_secret: that it has there; empty for a public client, whose proof is PKCE alone.
    session_life_s: from a sign-in to the end of the session, however often its token was renewed.
    sign_in_life_s: from the way to the provider to the way back.

    Raises:
        BongsuError: ``identity.public-url``.
    """

    url: str
    client_id: str = BROWSER_CLIENT
    client_secret: str = ""
    session_life_s: int = 12 * 3600
    sign_in_life_s: int = 600

    def __post_init__(self) -> None:
        if not is_safe_url(self.url) or urlsplit(self.url).path:
            words = N_("it is no https:// address, nor an http:// one of this machine, of a host alone")
            raise codes.PUBLIC_URL.error(url=self.url, detail=phrase(words))

    @property
    def redirect_uri(self) -> str:
        """To which a provider sends a browser back."""
        return f"{self.url}{CALLBACK_PATH}"

    @property
    def is_secure(self) -> bool:
        """Whether cookies go over TLS alone; http is for this machine's loopback, where there is none."""
        return self.url.startswith("https:")

    def as_client(self, form: Mapping[str, str]) -> dict[str, str]:
        """What is sent to a provider, with who sends it (RFC 6749, section 2.3.1)."""
        known = {"client_id": self.client_id, "client_secret": self.client_secret}
        return {**form, **{name: value for name, value in known.items() if value}}


@dataclass(frozen=True)
class Browsers:
    """Attributes:
    settings: as configured.
    providers: at which people sign in, by their issuer's URL; the first is asked where a browser names none.
    database: with people and sessions.
    verifier: of what providers sign.
    identify: the actor whose access token this is, as for every request; raises ``identity.not-signed-in``.
    clock: seconds since the epoch.
    """

    settings: BrowserSettings
    providers: Mapping[str, Provider]
    database: Database
    verifier: TokenVerifier
    identify: Callable[[str], Actor]
    clock: Callable[[], float]
