"""The token of a request, for every door alike (RFC 6750, section 2.1)."""

from __future__ import annotations

from collections.abc import Iterable

_HEADER = b"authorization"
_SCHEME = "bearer "


def bearer_token(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """What stands behind ``Bearer`` in a request's headers; empty if nothing does.

    A request with two such headers has none: of programs on its way one may look at the first, and another one at the
    last.

    Args:
        headers: as ASGI has them: names in lower case.
    """
    given = [value.decode("latin-1") for name, value in headers if name == _HEADER]
    if len(given) != 1 or given[0][: len(_SCHEME)].lower() != _SCHEME:
        return ""
    return given[0][len(_SCHEME) :].strip(" ")
