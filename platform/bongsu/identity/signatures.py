"""Signatures and claims, by joserfc: the algorithms that are allowed, and the claims that every token has."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError
from joserfc.jwk import Key
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

from bongsu.identity.parsing import MAX_HEADER_BYTES, MAX_TOKEN_BYTES, Unverified
from bongsu.identity.refusals import Cause, TokenRefusedError

KEY_TYPES: Mapping[str, str] = {"ES256": "EC", "RS256": "RSA", "EdDSA": "OKP", "Ed25519": "OKP"}
"""The algorithms that there are here, and the type of key of each. All are asymmetric: with a secret that two sides
have, whoever verifies could sign. ``Ed25519`` is the name that RFC 9864 gives to what most still call ``EdDSA``."""

MAX_SUBJECT = 255
_FAR_AWAY = 1e11


class _Registry(JWSRegistry):
    """joserfc's, with what we allow, and without its warning each time that EdDSA has a new name."""

    max_header_length = MAX_HEADER_BYTES
    max_payload_length = MAX_TOKEN_BYTES

    def get_alg(self, name: str) -> Any:
        if name == "EdDSA" and self.allowed and name in self.allowed:
            return self.algorithms[name]
        return super().get_alg(name)


@dataclass(frozen=True)
class ClaimRules:
    """What the claims of a token have to be.

    Attributes:
        issuer: ``iss``.
        audience: that ``aud`` is, or has among others.
        leeway_s: how far two clocks may be apart.
        longest_life_s: from ``iat``, or from now if there is none, to ``exp``.
    """

    issuer: str
    audience: str
    leeway_s: int
    longest_life_s: int


def sign(header: Mapping[str, Any], claims: Mapping[str, Any], key: Key) -> str:
    """A compact JWS. ``header`` has ``alg``, ``kid`` and ``typ``."""
    registry = _Registry(algorithms=list(KEY_TYPES))
    return jwt.encode(dict(header), dict(claims), key, registry=registry)


def signed_claims(token: Unverified, key: Key, algorithms: Collection[str]) -> Mapping[str, Any]:
    """The claims, if ``key`` signed them. Raises TokenRefusedError."""
    if token.algorithm not in algorithms or token.algorithm not in KEY_TYPES:
        raise TokenRefusedError(Cause.ALGORITHM)
    registry = _Registry(algorithms=list(algorithms), strict_check_header=False)
    try:
        return jwt.decode(token.text, key, registry=registry).claims
    except (JoseError, ValueError, RecursionError):
        raise TokenRefusedError(Cause.SIGNATURE) from None


def check_claims(claims: Mapping[str, Any], rules: ClaimRules, now: float) -> None:
    """Raise TokenRefusedError unless the claims are for us, by whom they have to be, and hold now."""
    registry = JWTClaimsRegistry(
        now=int(now),
        leeway=rules.leeway_s,
        iss={"essential": True, "value": rules.issuer},
        aud={"essential": True, "value": rules.audience},
        sub={"essential": True},
        exp={"essential": True},
    )
    try:
        registry.validate(dict(claims))
    except ExpiredTokenError:
        raise TokenRefusedError(Cause.EXPIRED) from None
    except InvalidClaimError as error:
        causes = {
            "aud": Cause.AUDIENCE,
            "iss": Cause.ISSUER,
            "nbf": Cause.NOT_YET_VALID,
            "iat": Cause.NOT_YET_VALID,
        }
        raise TokenRefusedError(causes.get(error.claim, Cause.CLAIMS)) from None
    except (JoseError, ValueError):
        raise TokenRefusedError(Cause.CLAIMS) from None
    subject, ends = claims["sub"], claims["exp"]
    # A database takes neither half surrogates nor NUL, and a log no line break.
    if len(subject) > MAX_SUBJECT or not subject.isprintable():
        raise TokenRefusedError(Cause.CLAIMS)
    begins = claims.get("iat", now)
    if ends > _FAR_AWAY or ends - begins > rules.longest_life_s + rules.leeway_s:
        raise TokenRefusedError(Cause.LIFE)
