"""Secrets out of texts that are on their way into a log, wherever they came from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote, urlsplit

HIDDEN = "***"
_SHORTEST = 6
# Counts of characters below are bounded, so that no text takes long.
_HEADERS = "authorization|proxy-authorization|cookie|set-cookie|x-api-key|x-amz-security-token"
_NAMES = (
    r"[a-z0-9_.-]{0,60}(?:passw(?:or)?d|passwd|pwd|passphrase|secret|token|assertion|credential|api[_-]?key|access[_-]?key"
    r"|private[_-]?key|signature|device_code|user_code|code_verifier)[a-z0-9_-]{0,60}"
)
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S), HIDDEN),
    # Headers as they are sent, as a mapping and as pairs of bytes.
    (re.compile(rf"(?i)\b({_HEADERS})(b?[\"']?\s*[:=,]\s*b?[\"']?)[^\r\n\"']+"), rf"\1\2{HIDDEN}"),
    (re.compile(r"(?i)\b(bearer|basic|negotiate)(\s+)[a-z0-9._~+/=-]{6,}"), rf"\1\2{HIDDEN}"),
    # JSON Web Tokens, signed and encrypted, without a name before them.
    (re.compile(r"\beyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){1,4}"), HIDDEN),
    # A password in an address, with whatever characters it should not have.
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,20}://[^\s:/@\"']{0,200}):[^\s\"']{0,500}@"), rf"\1:{HIDDEN}@"),
    # name=value in queries, forms and connection strings; "name": "value" in JSON.
    (re.compile(rf"(?i)\b({_NAMES})([\"']?\s*[=:]\s*b?)(\"[^\"]*\"|'[^']*'|[^\s\"'&,;}})\]]+)"), rf"\1\2{HIDDEN}"),
    (re.compile(r"(?i)([?&](?:code|state|nonce|key)=)[^\s&\"']+"), rf"\1{HIDDEN}"),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), HIDDEN),
)
_SECRET_VARIABLE = re.compile(
    r"(?i)(passw(or)?d|passphrase|secret|token|credential|(api|access|private|signing)_?key|_key)(_id)?$"
)


class Scrubber:
    """Takes out what looks like a secret, and values that are known to be one.

    Args:
        known: secrets of this process; what is shorter than six characters would take words apart, and is left in.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        forms = {form for value in known for form in (value, quote(value, safe=""), unquote(value))}
        ordered = sorted((one for one in forms if len(one) >= _SHORTEST), key=lambda one: (-len(one), one))
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def __call__(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        for pattern, shown in _RULES:
            text = pattern.sub(shown, text)
        return text


def known_secrets(environment: Mapping[str, str], addresses: Iterable[str | None] = ()) -> set[str]:
    """Values of variables that are named like secrets, and passwords in addresses.

    Args:
        environment: of the process.
        addresses: of databases, beside those in the environment.
    """
    named = {value for name, value in environment.items() if value and _SECRET_VARIABLE.search(name)}
    return named | {
        password
        for address in (*environment.values(), *addresses)
        if address and "://" in address and (password := _password_of(address))
    }


def _password_of(address: str) -> str | None:
    try:
        return urlsplit(address).password
    except ValueError:
        return None
