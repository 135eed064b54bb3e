"""An identity provider of a ministry: keys, tokens, and whatever somebody might forge of them."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from bongsu.identity.public_keys import Keys, usable_keys
from bongsu.identity.remote_keys import RemoteKeys
from bongsu.identity.settings import TrustedIssuer
from bongsu.identity.signatures import KEY_TYPES
from bongsu.identity.verifier import TokenVerifier, Trust

ISSUER = "https://login.mnd.example"
AUDIENCE = "bongsu"
NOW = 1_700_000_000.0
_ALL = list(KEY_TYPES)
KEYS: Mapping[str, Key] = {
    "ES256": ECKey.generate_key("P-256", {"kid": "ec"}),
    "RS256": RSAKey.generate_key(2048, {"kid": "rsa"}),
    "EdDSA": OKPKey.generate_key("Ed25519", {"kid": "okp"}),
}


def claims(**other: Any) -> dict[str, Any]:
    """Of a token that holds; a claim that is None is left out."""
    usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "kim", "iat": int(NOW), "exp": int(NOW) + 600}
    return {name: value for name, value in (usual | other).items() if value is not None}


def signed(key: Key, said: Any, algorithm: str = "ES256", header: Mapping[str, Any] | None = None) -> str:
    """Whatever ``said`` is, with a signature that fits."""
    head = {"alg": algorithm, "kid": key.kid, "typ": "JWT"} | dict(header or {})
    registry = jws.JWSRegistry(algorithms=_ALL, strict_check_header=False)
    registry.max_payload_length = 10**7
    registry.max_header_length = 10**7
    payload = said if isinstance(said, bytes) else json.dumps(said).encode()
    return jws.serialize_compact(head, payload, key, registry=registry)


def good(algorithm: str = "ES256", **other: Any) -> str:
    return signed(KEYS[algorithm], claims(**other), algorithm)


def forged(header: Any, said: Any, signature: bytes = b"") -> str:
    """Parts put together, with any signature."""
    parts = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in (header, said)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (*parts, signature))


def hmac_with_public_key(pem: bytes, said: Mapping[str, Any], kid: str) -> str:
    """HS256 with the text of a public key as the secret (CVE-2015-9235)."""
    token = forged({"alg": "HS256", "kid": kid, "typ": "JWT"}, dict(said))
    mac = hmac.digest(pem, token.rstrip(".").encode(), "sha256")
    return token + base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def public(*keys: Key) -> Keys:
    return usable_keys({"keys": [key.as_dict(private=False) for key in keys]})


class Provider:
    """Counts how often it is asked for its keys, and may have other ones the next time."""

    def __init__(self, *keys: Key) -> None:
        self.keys = keys or tuple(KEYS.values())
        self.asked = 0

    def __call__(self) -> Keys:
        self.asked += 1
        return public(*self.keys)


def verifier(provider: Provider | None = None, **settings: Any) -> TokenVerifier:
    issuer = TrustedIssuer(ISSUER, AUDIENCE, **{"ministries": ("mnd",)} | settings)
    return TokenVerifier([Trust(issuer, RemoteKeys(issuer, provider or Provider()))])
