"""Keys that this platform signs with: one that signs now, and those before it until their last token is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from joserfc.jwk import ECKey, Key

ALGORITHM = "ES256"


@dataclass(frozen=True)
class SigningKey:
    """Attributes:
    key: private, of P-256, with its thumbprint as id (RFC 7638).
    created_at: seconds since the epoch.
    retired_at: when it gave way to a newer one; None while it signs.
    """

    key: ECKey
    created_at: float
    retired_at: float | None = None

    @property
    def id(self) -> str:
        return str(self.key.kid)

    @property
    def public(self) -> Mapping[str, Any]:
        """As it stands in a JWK Set."""
        return self.key.as_dict(private=False, use="sig", alg=ALGORITHM)


@dataclass(frozen=True)
class KeyRing:
    """The keys, newest last; the last one signs. Everything gives a new ring."""

    keys: tuple[SigningKey, ...]

    @property
    def signing(self) -> SigningKey:
        return self.keys[-1]

    def find(self, key_id: str, algorithm: str, now: float) -> Key | None:
        """The public key of this id: what verifiers ask for. ``now`` is of no account: what is over is not in here."""
        if algorithm != ALGORITHM:
            return None
        return next((ECKey.import_key(dict(one.public)) for one in self.keys if one.id == key_id), None)

    def published(self) -> dict[str, Any]:
        """The JWK Set for others."""
        return {"keys": [dict(one.public) for one in self.keys]}

    def rotated(self, now: float, longest_life_s: float) -> KeyRing:
        """With a new key that signs. The one before stays until no token of it can hold any more."""
        kept = [replace(one, retired_at=now) if one.retired_at is None else one for one in self.keys]
        lasting = [one for one in kept if one.retired_at is not None and now - one.retired_at <= longest_life_s]
        return KeyRing((*lasting, new_key(now)))

    def without(self, key_id: str) -> KeyRing | None:
        """Without a key that got into wrong hands: its tokens end now. None if there is no such key, or it signs."""
        if key_id == self.signing.id or all(one.id != key_id for one in self.keys):
            return None
        return KeyRing(tuple(one for one in self.keys if one.id != key_id))


def new_ring(now: float) -> KeyRing:
    return KeyRing((new_key(now),))


def new_key(now: float) -> SigningKey:
    """A key whose id can be said to a command: none that begins as an option does."""
    while True:
        key = SigningKey(ECKey.generate_key("P-256", auto_kid=True), now)
        if not key.id.startswith("-"):
            return key
