"""Secrets as they are kept: salted and hashed by scrypt (RFC 7914), compared in constant time.

A hash says with which cost it was made, so that the cost can be raised later.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import threading
from dataclasses import dataclass
from functools import cached_property

_FORM = re.compile(r"scrypt\$(\d{1,2})\$(\d{1,2})\$(\d{1,2})\$([A-Za-z0-9_-]{22})\$([A-Za-z0-9_-]{43})")
_SALT_BYTES, _HASH_BYTES = 16, 32
_MAX_MEMORY = 256 * 1024 * 1024
MAX_SECRET = 1024
# Each takes 16 MiB and a core for a while; strangers can ask for as many as they like.
_AT_ONCE = 2


@dataclass(frozen=True)
class Cost:
    """Attributes:
    log_n: 2 to this power blocks of memory, each of ``128 * r`` bytes.
    r, p: block size and passes.
    """

    log_n: int = 14
    r: int = 8
    p: int = 5


PASSWORD_COST = Cost()
"""What OWASP's Password Storage Cheat Sheet asks of scrypt with 16 MiB."""
SECRET_COST = Cost(p=1)
"""For secrets of 256 random bits, which nobody guesses: the hash only keeps who reads the store from using them."""


class SecretHasher:
    """Hashes and compares; a few at a time, the others wait. Safe for threads."""

    def __init__(self, cost: Cost = PASSWORD_COST) -> None:
        self._cost = cost
        self._turns = threading.BoundedSemaphore(_AT_ONCE)

    @cached_property
    def _nobody(self) -> str:
        """What is compared with where there is no such account: it takes as long."""
        return self.hashed(secrets.token_urlsafe(_HASH_BYTES))

    def hashed(self, secret: str) -> str:
        """``scrypt$log_n$r$p$salt$hash`` with a salt of its own."""
        salt = secrets.token_bytes(_SALT_BYTES)
        found = self._scrypt(secret, salt, self._cost)
        return f"scrypt${self._cost.log_n}${self._cost.r}${self._cost.p}${_text(salt)}${_text(found)}"

    def matches(self, secret: str, kept: str | None) -> bool:
        """Whether ``kept`` was made of this secret; with None the same work is done for nothing."""
        written = _FORM.fullmatch(kept or self._nobody)
        if written is None or len(secret) > MAX_SECRET:
            return False
        cost = Cost(*(int(written[place]) for place in (1, 2, 3)))
        try:
            found = self._scrypt(secret, _bytes(written[4]), cost)
        except (ValueError, TypeError, binascii.Error):  # no cost that there could be
            return False
        return hmac.compare_digest(found, _bytes(written[5])) and kept is not None

    def _scrypt(self, secret: str, salt: bytes, cost: Cost) -> bytes:
        data = secret.encode("utf-8", "surrogatepass")
        with self._turns:
            return hashlib.scrypt(
                data, salt=salt, n=1 << cost.log_n, r=cost.r, p=cost.p, maxmem=_MAX_MEMORY, dklen=_HASH_BYTES
            )


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
