"""docs/identity.md names every setting, endpoint and default of identity as the code has it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from bongsu.identity.attempt_tokens import LONGEST_LIFE_S, WORKING_LIFE_S
from bongsu.identity.oauth import GrantType
from bongsu.identity.parsing import MAX_TOKEN_BYTES
from bongsu.identity.settings import TrustedIssuer
from bongsu.service.issuing.issuer import ACCOUNTS, ATTEMPT_KEYS, ISSUER_KEYS, IssuerSettings

TEXT = (Path(__file__).parents[3] / "docs" / "identity.md").read_text()
ROWS = {
    name: default.strip()
    for names, default in re.findall(r"^\| (`[^|]+`) \| ([^|]*) \| [^|]+ \|$", TEXT, re.MULTILINE)
    for name in [names]
}


def documented(name: str) -> str:
    """The default that the page gives."""
    (row,) = [row for row in ROWS if f"`{name}`" in row]
    names, defaults = re.findall(r"`(\w+)`", row), ROWS[row].split(", ")
    return defaults[names.index(name)] if len(names) > 1 else ROWS[row]


@pytest.mark.parametrize(
    ("settings", "name"),
    [(kind, field.name) for kind in (TrustedIssuer, IssuerSettings) for field in dataclasses.fields(kind)],
)
def test_every_setting_is_there_with_its_default(settings: type, name: str) -> None:
    if name in ("issuer", "audience", "ministries", "ministry_claim", "clients", "jwks_uri"):
        assert f"`{name}`" in TEXT
        return
    default = getattr(settings, name)
    words = {False: "off"}.get(default) if isinstance(default, bool) else None
    shown = words or (
        ", ".join(default)
        if isinstance(default, tuple)
        else f"{default:g}"
        if isinstance(default, float)
        else str(default)
    )
    assert documented(name) == shown


def test_files_grants_and_limits_are_those_of_the_code() -> None:
    for word in (ACCOUNTS, ATTEMPT_KEYS, ISSUER_KEYS, *(grant.value for grant in GrantType)):
        assert f"`{word}`" in TEXT
    assert f"at most {MAX_TOKEN_BYTES // 1024} KiB" in TEXT
    assert (LONGEST_LIFE_S, WORKING_LIFE_S) == (86_400, 3_600), "a day to wait, an hour to work"


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/openid-configuration",
        "/jwks.json",
        "/device_authorization",
        "/device",
        "/authorize",
        "/token",
        "/revoke",
    ],
)
def test_every_endpoint_is_there(path: str) -> None:
    assert re.search(rf"(GET|POST)`? (and `POST )?{re.escape(path)}`", TEXT)
