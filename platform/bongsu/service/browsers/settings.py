"""What signing in with a browser works on."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address
from urllib.parse import urlsplit

import httpx

from bongsu.domain.codes import identity as codes
from bongsu.domain.messages import N_
from bongsu.domain.people import Actor
from bongsu.domain.phrases import phrase
from bongsu.domain.server_defaults import BROWSER_CLIENT
from bongsu.identity.relying_party import Provider
from bongsu.identity.settings import is_safe_url
from bongsu.identity.verifier import TokenVerifier
from bongsu.store.database import Database

_HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")
SESSION_PATH = "/v1/session"
CALLBACK_PATH = f"{SESSION_PATH}/callback"


@dataclass(frozen=True)
class BrowserSettings:
    """Attributes:
    url: under which people reach the server: scheme, host, and port; kept as browsers send it in ``Origin``.
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
        origin = _origin(self.url) if is_safe_url(self.url) and not urlsplit(self.url).path else ""
        if not origin:
            words = N_("it is no https:// address, nor an http:// one of this machine, of a host alone")
            raise codes.PUBLIC_URL.error(url=self.url, detail=phrase(words))
        object.__setattr__(self, "url", origin)

    @property
    def redirect_uri(self) -> str:
        """To which a provider sends a browser back."""
        return f"{self.url}{CALLBACK_PATH}"

    @property
    def cookie_prefix(self) -> str:
        """Of names of cookies: over TLS one that no other host can set, nor this one for a part of its paths
        (RFC 6265bis, section 4.1.3.2)."""
        return "__Host-" if self.is_secure else ""

    @property
    def is_secure(self) -> bool:
        """Whether cookies go over TLS alone; http is for this machine's loopback, where there is none."""
        return self.url.startswith("https:")

    def as_client(self, form: Mapping[str, str]) -> dict[str, str]:
        """What is sent to a provider, with who sends it (RFC 6749, section 2.3.1)."""
        known = {"client_id": self.client_id, "client_secret": self.client_secret}
        return {**form, **{name: value for name, value in known.items() if value}}


def _origin(url: str) -> str:
    """As browsers write it (RFC 6454, section 6.1): in lower case, IDNA, without the port that goes without saying;
    empty if there is no such host."""
    try:
        made = httpx.URL(url)
        host = made.raw_host.decode()
        shown = f"[{IPv6Address(host).compressed}]" if ":" in host else host
    except (httpx.InvalidURL, ValueError):
        return ""
    if _HOST.fullmatch(shown) is None:
        return ""
    goes_without_saying = (None, 443 if made.scheme == "https" else 80)
    return f"{made.scheme}://{shown}" + ("" if made.port in goes_without_saying else f":{made.port}")


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
