"""Fingerprints of secrets: enough to see that one was changed, and too little to find it out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

# 16 MiB and some milliseconds for each try (RFC 7914): a fingerprint stands in plans and in the database.
_COST = {"n": 2**14, "r": 8, "p": 1}
_BYTES = 8


def fingerprints(environment: Mapping[str, str]) -> Callable[[str], str]:
    """Fingerprint of a variable of the operator's environment; empty if it is not set. A key that a home draws for
    itself has none, for it stays as it is."""

    def of(name: str) -> str:
        value = environment.get(name, "")
        if not value:
            return ""
        return hashlib.scrypt(
            value.encode("utf-8", "surrogateescape"), salt=name.encode(), dklen=_BYTES, **_COST
        ).hex()

    return of
