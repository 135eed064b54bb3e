"""A token before anything of it is believed: how long it may be, how it is written, and what its header may hold."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bongsu.identity.refusals import Cause, TokenRefusedError

MAX_TOKEN_BYTES = 8192
MAX_HEADER_BYTES = 1024
_MAX_KEY_ID = 200
_LATEST = 1e12
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
# Keys that a token brings along, or says where to get; extensions that have to be understood; detached and encrypted
# content (RFC 7515 section 4.1, RFC 7797, RFC 7516).
_REFUSED = frozenset({"crit", "jku", "jwk", "x5u", "x5c", "b64", "enc", "zip"})


@dataclass(frozen=True)
class Unverified:
    """A token that is well formed; everything in it may be a lie.

    Attributes:
        text: as it came.
        algorithm, key_id, type: of the header; the type in lower case and without ``application/``, or empty.
        issuer: ``iss``, by which the keys are chosen that it has to hold against.
    """

    text: str
    algorithm: str
    key_id: str
    type: str
    issuer: str


def parse(token: str) -> Unverified:
    """Take a compact JWS apart.

    Raises:
        TokenRefusedError: too large, malformed, or with a header that no token for us has.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenRefusedError(Cause.TOO_LARGE)
    written = _COMPACT.fullmatch(token)
    if written is None:
        raise TokenRefusedError(Cause.MALFORMED)
    if len(written[1]) > MAX_HEADER_BYTES:
        raise TokenRefusedError(Cause.TOO_LARGE)
    header, claims = _object(written[1]), _object(written[2])
    if _REFUSED & header.keys():
        raise TokenRefusedError(Cause.HEADER)
    algorithm, key_id, kind = header.get("alg"), header.get("kid"), header.get("typ", "")
    if not isinstance(algorithm, str) or not isinstance(kind, str):
        raise TokenRefusedError(Cause.HEADER)
    if not isinstance(key_id, str) or not 0 < len(key_id) <= _MAX_KEY_ID:
        raise TokenRefusedError(Cause.KEY)
    issuer = claims.get("iss")
    if not isinstance(issuer, str):
        raise TokenRefusedError(Cause.ISSUER)
    return Unverified(token, algorithm, key_id, kind.lower().removeprefix("application/"), issuer)


def said_end(token: str) -> float | None:
    """``exp`` as a token has it, which may be a lie: for when to look again, never for whether it holds."""
    try:
        said = _object(token.split(".")[1]).get("exp")
    except (TokenRefusedError, IndexError):
        return None
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 < said < _LATEST:
        return None
    return float(said)


def _object(segment: str) -> Mapping[str, Any]:
    """A JSON object out of base64url. Two members of one name are refused: two readers might take different ones."""
    try:
        data = base64.b64decode(segment + "=" * (-len(segment) % 4), b"-_", validate=True)
        found = json.loads(data, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, binascii.Error, RecursionError):
        raise TokenRefusedError(Cause.MALFORMED) from None
    if not isinstance(found, dict):
        raise TokenRefusedError(Cause.MALFORMED)
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")
