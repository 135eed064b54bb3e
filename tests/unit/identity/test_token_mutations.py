"""No token but the one that was signed: whatever is changed in it, it is refused, and as a refusal."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from identity_provider import AUDIENCE, ISSUER, KEYS, NOW, claims, forged, good, signed, verifier

from bongsu.identity.refusals import TokenRefusedError

TOKENS = {algorithm: good(algorithm) for algorithm in KEYS}
VERIFIER = verifier()
TEXT = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["iss", "aud", "sub", "exp", "iat", "nbf", "scope", "client_id", "jti"])
HEADERS = st.sampled_from(["alg", "kid", "typ", "crit", "jku", "jwk", "x5u", "b64", "cty"])


def refused(token: str) -> None:
    with pytest.raises(TokenRefusedError):
        VERIFIER.verify(token, NOW)


@given(st.sampled_from(list(KEYS)), st.data())
def test_one_other_character_anywhere(algorithm: str, data: st.DataObject) -> None:
    token = TOKENS[algorithm]
    place = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.sampled_from(TEXT))
    assume(character != token[place])
    refused(token[:place] + character + token[place + 1 :])


@given(st.sampled_from(list(KEYS)), st.data())
def test_a_part_cut_out_or_put_in(algorithm: str, data: st.DataObject) -> None:
    token = TOKENS[algorithm]
    begin, end = sorted((data.draw(st.integers(0, len(token))), data.draw(st.integers(0, len(token)))))
    other = token[:begin] + data.draw(st.text(TEXT, max_size=5)) + token[end:]
    assume(other != token)
    refused(other)


@given(st.text(max_size=300))
def test_any_text(text: str) -> None:
    refused(text)


@given(st.binary(max_size=200), st.binary(max_size=200), st.binary(max_size=80))
def test_any_bytes_in_three_parts(header: bytes, payload: bytes, signature: bytes) -> None:
    refused(forged(header, payload, signature))


@given(st.dictionaries(HEADERS, JSON, max_size=3), JSON, st.binary(min_size=1, max_size=80))
def test_any_header_over_a_signature_that_is_none(header: dict[str, Any], said: Any, signature: bytes) -> None:
    refused(forged({"alg": "ES256", "kid": "ec"} | header, said, signature))
    refused(forged({"alg": "ES256", "kid": "ec"} | header, claims(), signature))


@given(st.dictionaries(NAMES, JSON, min_size=1, max_size=4))
def test_claims_of_any_kind_that_the_issuer_signed_hold_or_are_refused(other: dict[str, Any]) -> None:
    """An issuer's mistake is no reason for anything but a refusal; what holds is what the settings ask for."""
    token = signed(KEYS["ES256"], claims() | other)
    try:
        found = VERIFIER.verify(token, NOW)
    except TokenRefusedError:
        return
    said = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert said["iss"] == ISSUER
    assert AUDIENCE in (said["aud"] if isinstance(said["aud"], list) else [said["aud"]])
    assert found.subject == said["sub"]
    assert 0 < len(found.subject) <= 255
    assert NOW - 30 < said["exp"] <= NOW + 86_430 + 30


@given(st.sampled_from(list(KEYS)), st.sampled_from(list(KEYS)), st.sampled_from(list(KEYS)))
def test_parts_of_different_tokens_do_not_fit(first: str, second: str, third: str) -> None:
    assume(len({first, second, third}) > 1)
    subjects = {one: good(one, sub=one) for one in KEYS}
    parts = [subjects[one].split(".")[place] for place, one in enumerate((first, second, third))]
    refused(".".join(parts))
