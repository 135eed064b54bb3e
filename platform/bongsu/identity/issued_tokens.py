"""Tokens that the built-in issuer signs: access tokens (RFC 9068) and id tokens (OpenID Connect Core, section 2)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from bongsu.identity.key_ring import ALGORITHM, KeyRing
from bongsu.identity.signatures import sign

MINISTRY_CLAIM = "ministry"


@dataclass(frozen=True)
class Subject:
    """Attributes:
    subject: ``sub``.
    client: which the tokens are for.
    scope: as it was granted.
    name: as people read it; empty for a service account.
    signed_in_at: seconds since the epoch.
    nonce: that the client gave; empty if none.
    """

    subject: str
    client: str
    scope: str
    name: str
    signed_in_at: float
    nonce: str = ""


def access_token(ring: KeyRing, issuer: str, audience: str, subject: Subject, now: float, life_s: int) -> str:
    """A token with which the client asks the platform in the subject's name."""
    claims = {
        "iss": issuer,
        "aud": audience,
        "sub": subject.subject,
        "client_id": subject.client,
        # A subject of this issuer is an id: MINISTRY/NAME.
        MINISTRY_CLAIM: subject.subject.partition("/")[0],
        "scope": subject.scope,
        "iat": int(now),
        "exp": int(now) + life_s,
        "jti": secrets.token_urlsafe(16),
    }
    return sign({"alg": ALGORITHM, "kid": ring.signing.id, "typ": "at+jwt"}, claims, ring.signing.key)


def id_token(ring: KeyRing, issuer: str, subject: Subject, now: float, life_s: int) -> str:
    """A token that tells the client who signed in. The platform does not take it: its audience is the client."""
    claims = {
        "iss": issuer,
        "aud": subject.client,
        "sub": subject.subject,
        "name": subject.name,
        "preferred_username": subject.name,
        "auth_time": int(subject.signed_in_at),
        "iat": int(now),
        "exp": int(now) + life_s,
    }
    claims |= {"nonce": subject.nonce} if subject.nonce else {}
    return sign({"alg": ALGORITHM, "kid": ring.signing.id, "typ": "JWT"}, claims, ring.signing.key)
