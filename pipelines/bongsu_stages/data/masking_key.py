"""The key of the digests that stand for masked values."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping

VARIABLE = "BONGSU_MASKING_KEY"


def masking_key(environment: Mapping[str, str]) -> tuple[bytes, bool]:
    """The key, and whether it is a lasting one.

    With ``BONGSU_MASKING_KEY`` set (any secret text), equal values have equal digests in every data set made with
    it; a home that is given none draws one for itself and keeps it. A worker without it draws a key and forgets it:
    then digests link equal values of one tree only. A key that everybody knows would be no protection, all resident
    numbers can be tried in minutes.
    """
    text = environment.get(VARIABLE, "")
    return (text.encode(), True) if text else (secrets.token_bytes(32), False)


def keyed_digest(key: bytes, kind: str, value: str) -> str:
    """HMAC-SHA-256 (RFC 2104) of a value, 32 hex digits."""
    return hmac.new(key, f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()[:32]
