"""Keys of records, writers and checkpoints: path-like names that cannot leave their directory."""

from __future__ import annotations

import re

from bongsu.domain.codes import artifact as codes

_SEGMENT = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._=-]*$")


def check_key(key: str) -> str:
    """Return ``key`` if it is safe, else raise ``artifact.unsafe-key``."""
    if len(key) > 512 or not all(_SEGMENT.fullmatch(part) for part in key.split("/")):
        raise codes.UNSAFE_KEY.error(key=ascii(key))
    return key
