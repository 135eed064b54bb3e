"""Public keys out of a JWK Set, as far as they are of use here (RFC 7517)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

from bongsu.identity.signatures import KEY_TYPES

_LOG = logging.getLogger("bongsu.identity")
MAX_KEYS = 100
_MAX_KEY_ID = 200
_RSA_BITS = range(2048, 8193)
_CURVES = {"EC": "P-256", "OKP": "Ed25519"}
# Members that only a private or a secret key has.
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

Keys = Mapping[tuple[str, str], Key]
"""By id and type of key: a key is found only for an algorithm that it is made for."""


def usable_keys(document: Any) -> Keys:
    """The keys of a JWK Set that can verify; others are passed over (RFC 7517, section 5).

    Raises:
        ValueError: what came is no JWK Set, or has too many keys.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list) or len(listed) > MAX_KEYS:
        raise ValueError(f"it is no JWK Set of at most {MAX_KEYS} keys")
    found: dict[tuple[str, str], Key] = {}
    for one in listed:
        key = _usable(one) if isinstance(one, dict) else None
        if key is not None:
            found.setdefault((one["kid"], one["kty"]), key)
    return found


def find_key(keys: Keys, key_id: str, algorithm: str) -> Key | None:
    """The key of this id, if the algorithm may be used with it."""
    key = keys.get((key_id, KEY_TYPES.get(algorithm, "")))
    return key if key is not None and key.alg in (None, algorithm) else None


def _usable(jwk: dict[str, Any]) -> Key | None:
    kind, key_id = jwk.get("kty"), jwk.get("kid")
    if kind not in KEY_TYPES.values() or not isinstance(key_id, str) or not 0 < len(key_id) <= _MAX_KEY_ID:
        return None
    if jwk.get("use", "sig") != "sig" or jwk.get("crv") != _CURVES.get(str(kind)):
        return None
    if "key_ops" in jwk and jwk["key_ops"] != ["verify"]:
        return None
    if _PRIVATE & jwk.keys():
        _LOG.error("An identity provider publishes a private key; it is not used.")
        return None
    try:
        key = JWKRegistry.import_key(jwk)
    except (JoseError, ValueError, TypeError):
        return None
    raw = key.raw_value
    if isinstance(raw, RSAPublicKey) and raw.key_size not in _RSA_BITS:
        return None
    return key
