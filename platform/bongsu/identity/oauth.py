"""Errors of the built-in issuer's endpoints, in the words of OAuth, and the clients that it knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bongsu.domain.server_defaults import BROWSER_CLIENT, CLI_CLIENT


class OAuthFault(StrEnum):
    """``error`` of an answer (RFC 6749 sections 4.1.2.1 and 5.2, RFC 8628 section 3.5)."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    INVALID_GRANT = "invalid_grant"
    INVALID_SCOPE = "invalid_scope"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    UNSUPPORTED_RESPONSE_TYPE = "unsupported_response_type"
    AUTHORIZATION_PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"
    EXPIRED_TOKEN = "expired_token"
    ACCESS_DENIED = "access_denied"


class OAuthError(Exception):
    """Args:
    fault: for programs.
    description: for their authors, in ASCII as the specification has it; nothing of the request stands in it.
    """

    def __init__(self, fault: OAuthFault, description: str = "") -> None:
        super().__init__(f"{fault.value}: {description}")
        self.fault = fault
        self.description = description

    @property
    def status(self) -> int:
        return 401 if self.fault is OAuthFault.INVALID_CLIENT else 400


class GrantType(StrEnum):
    """How a client comes by tokens."""

    CODE = "authorization_code"
    DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
    REFRESH = "refresh_token"
    CLIENT = "client_credentials"


@dataclass(frozen=True)
class OAuthClient:
    """A program that people sign in with. Service accounts are no such: they are in the store.

    Attributes:
        id: e.g. ``bongsu-cli``.
        title: as people read it on the page on which they sign in.
        grants: how it may come by tokens.
        redirect_uris: to which a browser may be sent back; compared character by character.
        secret: hash of its secret; None for a program that cannot keep one.
    """

    id: str
    title: str
    grants: frozenset[GrantType]
    redirect_uris: tuple[str, ...] = ()
    secret: str | None = None


CLI = OAuthClient(CLI_CLIENT, "Bongsu CLI", frozenset({GrantType.DEVICE, GrantType.REFRESH}))
"""The command line, which is public: whoever has the program has all that it could keep."""


def console_client(redirect_uri: str, secret: str | None = None) -> OAuthClient:
    """The console, to which a browser comes back. ``secret`` is a hash."""
    grants = frozenset({GrantType.CODE, GrantType.REFRESH})
    return OAuthClient("bongsu-console", "Bongsu Console", grants, (redirect_uri,), secret)


def browser_client(redirect_uri: str) -> OAuthClient:
    """The server itself, to which browsers come back; public, because what proves that it asks is PKCE."""
    grants = frozenset({GrantType.CODE, GrantType.REFRESH})
    return OAuthClient(BROWSER_CLIENT, "MLflow", grants, (redirect_uri,))


@dataclass(frozen=True)
class OAuthForm:
    """What a client sends: each name once (RFC 6749, section 3.1)."""

    values: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """Empty if it was not sent, which is the same."""
        return self.values.get(name, "")

    def need(self, name: str) -> str:
        """Raises OAuthError, ``invalid_request``."""
        value = self.get(name)
        if not value:
            raise OAuthError(OAuthFault.INVALID_REQUEST, f"{name} is missing")
        return value
