"""Until when a token says that it holds, before anything of it is believed."""

from __future__ import annotations

import base64

import pytest

from bongsu.identity.parsing import said_end


@pytest.mark.parametrize(
    ("claims", "end"),
    [
        ('{"exp": 1800000000}', 1_800_000_000.0),
        ('{"exp": 1.5}', 1.5),
        ('{"exp": true}', None),
        ('{"exp": "1800000000"}', None),
        ('{"exp": -1}', None),
        ('{"exp": 1' + "0" * 400 + "}", None),
        ('{"exp": NaN}', None),
        ("{}", None),
        ("[]", None),
        ("{", None),
    ],
)
def test_an_end_is_read_or_there_is_none(claims: str, end: float | None) -> None:
    text = base64.urlsafe_b64encode(claims.encode()).rstrip(b"=").decode()
    assert said_end(f"e30.{text}.x") == end


@pytest.mark.parametrize("token", ["", "opaque", "a.b", "..", "a.\u00e9.c"])
def test_what_is_no_token_has_none(token: str) -> None:
    assert said_end(token) is None
