"""Where the token of a request stands, and that it stands there once."""

from __future__ import annotations

import pytest

from bongsu.identity.bearer import bearer_token


@pytest.mark.parametrize("value", ["Bearer a.b.c", "bEaReR a.b.c", "bearer   a.b.c "])
def test_the_scheme_is_read_in_any_case(value: str) -> None:
    assert bearer_token([(b"host", b"x"), (b"authorization", value.encode())]) == "a.b.c"


@pytest.mark.parametrize("value", ["", "Basic eDp5", "Bearer", "Bearer  ", "Token x", "a.b.c", "Bearer\ta.b.c"])
def test_a_header_without_a_bearer_token_has_none(value: str) -> None:
    assert bearer_token([(b"authorization", value.encode())]) == ""


@pytest.mark.parametrize("second", [b"Bearer a.b.c", b"Bearer d.e.f", b"", b"Basic eDp5"])
def test_two_headers_are_none(second: bytes) -> None:
    assert bearer_token([(b"authorization", b"Bearer a.b.c"), (b"authorization", second)]) == ""


def test_other_headers_are_none() -> None:
    assert bearer_token([(b"proxy-authorization", b"Bearer a.b.c"), (b"cookie", b"authorization=a")]) == ""
