"""Bearer tokens of identity providers: whose they are, that they are for us, and that they hold now."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from joserfc.jwk import Key

from bongsu.domain.people import ActorKind
from bongsu.domain.tokens import VerifiedToken
from bongsu.identity.fetching import KeyFetcher
from bongsu.identity.parsing import Unverified, parse
from bongsu.identity.refusals import Cause, TokenRefusedError
from bongsu.identity.remote_keys import MAX_WAITING, MAX_WAITING_FOR_ALL, RemoteKeys
from bongsu.identity.settings import TrustedIssuer
from bongsu.identity.signatures import check_claims, signed_claims

# Access tokens (RFC 9068) and what providers give that do not name the type. Others, such as a logout token, are signed
# with the same keys and say something else.
_TYPES = frozenset({"", "jwt", "at+jwt"})
_MAX_SCOPES = 100


class KeySource(Protocol):
    """Where an issuer's public keys come from."""

    def find(self, key_id: str, algorithm: str, now: float) -> Key | None:
        """The key, None if there is none such. Raises TokenRefusedError if keys cannot be had."""


@dataclass(frozen=True)
class Trust:
    """An issuer and its keys."""

    issuer: TrustedIssuer
    keys: KeySource


class TokenVerifier:
    """Verifies tokens of the issuers that are trusted. Safe for threads; it may wait for a provider, so an event loop
    calls it in a thread."""

    def __init__(self, trusts: Iterable[Trust]) -> None:
        self._trusts: Mapping[str, Trust] = {trust.issuer.issuer: trust for trust in trusts}

    def verify(self, token: str, now: float) -> VerifiedToken:
        """Who a bearer token is of.

        Args:
            token: as it stands behind ``Bearer``.
            now: seconds since the epoch.

        Raises:
            TokenRefusedError: for whatever reason; the text is always the same.
        """
        return self.verify_parsed(parse(token), now)

    def verify_parsed(self, token: Unverified, now: float) -> VerifiedToken:
        """:meth:`verify` of a token that was taken apart already."""
        trust, claims = self._signed(token, now)
        check_claims(claims, trust.issuer.rules, now)
        ministry = trust.issuer.ministry_in(claims)
        if ministry is None:
            raise TokenRefusedError(Cause.MINISTRY)
        return VerifiedToken(
            issuer=trust.issuer.issuer,
            subject=claims["sub"],
            kind=_kind(claims),
            scopes=_scopes(claims),
            expires_at=float(claims["exp"]),
            ministry=ministry,
        )

    def signed_in(self, id_token: str, issuer: str, client: str, nonce: str, now: float) -> str:
        """Who signed in with a browser (OpenID Connect Core, section 3.1.3.7). It says that alone, and is no token for
        the platform.

        Args:
            id_token: as the provider gave it for a code.
            issuer: that was asked.
            client: what this server is called there.
            nonce: that the browser was sent there with.
            now: seconds since the epoch.

        Returns:
            The subject.

        Raises:
            TokenRefusedError: for whatever reason.
        """
        token = parse(id_token)
        if token.issuer != issuer:
            raise TokenRefusedError(Cause.ISSUER)
        trust, claims = self._signed(token, now)
        check_claims(claims, replace(trust.issuer.rules, audience=client), now)
        if claims.get("azp", client) != client:
            raise TokenRefusedError(Cause.AUDIENCE)
        said = claims.get("nonce")
        if not isinstance(said, str) or not hmac.compare_digest(said.encode("utf-8", "replace"), nonce.encode()):
            raise TokenRefusedError(Cause.NONCE)
        return str(claims["sub"])

    def _signed(self, token: Unverified, now: float) -> tuple[Trust, Mapping[str, Any]]:
        """Whose a token is, and its claims, which nobody has looked at."""
        trust = self._trusts.get(token.issuer)
        if trust is None:
            raise TokenRefusedError(Cause.ISSUER)
        if token.type not in _TYPES:
            raise TokenRefusedError(Cause.TYPE)
        # Before any key is looked for: strangers must not make us ask the provider with `alg: none`.
        if token.algorithm not in trust.issuer.algorithms:
            raise TokenRefusedError(Cause.ALGORITHM)
        key = trust.keys.find(token.key_id, token.algorithm, now)
        if key is None:
            raise TokenRefusedError(Cause.KEY)
        return trust, signed_claims(token, key, trust.issuer.algorithms)


def trusting(fetchers: Iterable[KeyFetcher]) -> list[Trust]:
    """Issuers whose keys are fetched when the first token comes."""
    found = list(fetchers)
    most = min(MAX_WAITING, max(1, MAX_WAITING_FOR_ALL // max(1, len(found))))
    return [Trust(one.issuer, RemoteKeys(one.issuer, one, most)) for one in found]


def _kind(claims: Mapping[str, Any]) -> ActorKind:
    client = claims.get("client_id") or claims.get("azp")
    return ActorKind.SERVICE if client == claims["sub"] else ActorKind.PERSON


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """``scope`` as RFC 9068 has it, or ``scp`` as some providers have it."""
    written = claims.get("scope", claims.get("scp", ""))
    words = written.split(" ") if isinstance(written, str) else written
    if not isinstance(words, list) or len(words) > _MAX_SCOPES or not all(isinstance(one, str) for one in words):
        raise TokenRefusedError(Cause.CLAIMS)
    return frozenset(words) - {""}
