"""The keys that a home signs with, as its operator sees and changes them. Never the keys themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bongsu.identity.attempt_tokens import LONGEST_LIFE_S
from bongsu.identity.key_file import KeyFile
from bongsu.service.issuing.issuer import ATTEMPT_KEYS, ISSUER_KEYS


class KeyUse(StrEnum):
    """What keys sign: tokens of workers, or those that the built-in issuer gives out."""

    ATTEMPTS = "attempts"
    ISSUER = "issuer"


@dataclass(frozen=True)
class KeySummary:
    """Attributes:
    id: as it stands in the tokens.
    use: what it signs.
    created_at, retired_at: seconds since the epoch; None while it is the one that signs.
    """

    id: str
    use: KeyUse
    created_at: float
    retired_at: float | None


def signing_keys(home: Path, use: KeyUse, clock: Callable[[], float]) -> KeyFile:
    """The file of keys in ``home``; made when keys are first asked for."""
    name = ATTEMPT_KEYS if use is KeyUse.ATTEMPTS else ISSUER_KEYS
    return KeyFile(home / name, clock, LONGEST_LIFE_S)


def keys_of(home: Path, use: KeyUse, clock: Callable[[], float]) -> list[KeySummary]:
    """As :func:`list_keys` of the keys in ``home``, and none where nobody has asked for any yet."""
    file = signing_keys(home, use, clock)
    return list_keys(file, use) if file.path.exists() else []


def list_keys(keys: KeyFile, use: KeyUse) -> list[KeySummary]:
    """Oldest first; the last one signs. Raises ``identity.key-file``."""
    return [KeySummary(one.id, use, one.created_at, one.retired_at) for one in keys.ring().keys]


def rotate_keys(keys: KeyFile, use: KeyUse) -> list[KeySummary]:
    """Sign with a new key; those before it hold until their last token is over. Raises ``identity.key-file``."""
    keys.rotate()
    return list_keys(keys, use)


def withdraw_key(keys: KeyFile, use: KeyUse, key_id: str) -> list[KeySummary]:
    """End every token of a key that got into wrong hands. Raises ``identity.key-file``, ``identity.last-key``."""
    keys.withdraw(key_id)
    return list_keys(keys, use)
