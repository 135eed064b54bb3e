"""Tokens that are kept for a browser: sealed by what the browser alone has, so that who has the store has no token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from bongsu.identity.relying_party import IssuedTokens

_HEADER = {"alg": "dir", "enc": "A256GCM"}
_PURPOSE = "bongsu browser session"


def derived(secret: str, purpose: str, *parts: str) -> str:
    """43 characters that only who has the secret can make, others for each purpose and for other parts."""
    said = "\n".join((purpose, *parts)).encode("utf-8", "surrogatepass")
    made = hmac.digest(secret.encode("utf-8", "surrogatepass"), said, "sha256")
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def sealed(secret: str, tokens: IssuedTokens) -> str:
    """A compact JWE (RFC 7516)."""
    said = json.dumps({"access": tokens.access, "refresh": tokens.refresh}).encode()
    return jwe.encrypt_compact(_HEADER, said, _key(secret))


def unsealed(secret: str, text: str) -> IssuedTokens | None:
    """What was sealed by the same secret; None if it was not."""
    try:
        found = json.loads(jwe.decrypt_compact(text, _key(secret)).plaintext or b"")
    except (JoseError, ValueError):
        return None
    return IssuedTokens(found["access"], found["refresh"])


def _key(secret: str) -> OctKey:
    # The secret has 256 random bits: a hash that is not the one it is found by makes a key of them.
    made = hashlib.sha256(f"{_PURPOSE}\n{secret}".encode("utf-8", "surrogatepass")).digest()
    return OctKey.import_key(made)
