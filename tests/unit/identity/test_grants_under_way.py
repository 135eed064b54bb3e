"""Codes: how devices may ask, how they are typed, and how a browser's one is proven."""

from __future__ import annotations

import re

from hypothesis import assume, given
from hypothesis import strategies as st

from bongsu.domain.sessions import DeviceGrant, DeviceState
from bongsu.identity.codes import (
    USER_ALPHABET,
    challenge_of,
    is_challenge,
    new_secret,
    new_user_code,
    proves,
    read_user_code,
    shown_user_code,
)
from bongsu.identity.oauth import OAuthFault
from bongsu.identity.polling import polled

UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
verifiers = st.text(UNRESERVED, min_size=43, max_size=128)
codes = st.text(USER_ALPHABET, min_size=8, max_size=8)


def waiting(**other: object) -> DeviceGrant:
    return DeviceGrant(
        **{"code": "c", "user_code": "u", "client": "k", "scope": "", "expires_at": 600.0, "interval_s": 5} | other
    )  # type: ignore[arg-type]


def test_the_first_question_is_never_too_early() -> None:
    found = polled(waiting(), 0.0)
    assert found.fault is OAuthFault.AUTHORIZATION_PENDING
    assert found.grant.polled_at == 0.0


def test_a_device_that_asks_too_fast_has_to_slow_down_more_and_more() -> None:
    grant, now = waiting(polled_at=0.0), 0.0
    for expected in (10, 15, 20):
        now += 1
        found = polled(grant, now)
        assert (found.fault, found.grant.interval_s) == (OAuthFault.SLOW_DOWN, expected)
        grant = found.grant
    assert polled(grant, now + 19).fault is OAuthFault.SLOW_DOWN
    assert polled(grant, now + 20).fault is OAuthFault.AUTHORIZATION_PENDING


@given(st.lists(st.floats(0, 30), max_size=30), st.sampled_from(DeviceState))
def test_a_device_gets_tokens_once_and_only_when_somebody_let_it(pauses: list[float], state: DeviceState) -> None:
    grant, now, given_out = waiting(state=state), 0.0, 0
    for pause in pauses:
        now += pause
        found = polled(grant, now)
        if found.fault is None:
            given_out += 1
            assert now < grant.expires_at
            assert grant.polled_at is None or now - grant.polled_at >= grant.interval_s - 0.5
        grant = found.grant
    assert given_out <= (state is DeviceState.APPROVED)


def test_what_is_over_stays_over() -> None:
    for state, fault in (
        (DeviceState.PENDING, OAuthFault.EXPIRED_TOKEN),
        (DeviceState.APPROVED, OAuthFault.EXPIRED_TOKEN),
        (DeviceState.DENIED, OAuthFault.EXPIRED_TOKEN),
        (DeviceState.USED, OAuthFault.INVALID_GRANT),
    ):
        assert polled(waiting(state=state), 600.0).fault is fault
    assert polled(waiting(state=DeviceState.DENIED), 1.0).fault is OAuthFault.ACCESS_DENIED


@given(codes, st.integers(0, 8), st.sampled_from(["-", " ", "", " - "]))
def test_a_code_is_read_however_it_is_typed(code: str, place: int, between: str) -> None:
    typed = f" {code[:place].lower()}{between}{code[place:]} "
    assert read_user_code(typed) == code
    assert read_user_code(shown_user_code(code)) == code


@given(st.text(max_size=60))
def test_what_can_be_no_code_is_none(typed: str) -> None:
    assert read_user_code(typed) in {"", re.sub(r"[\s-]", "", typed).upper()}


def test_codes_are_random() -> None:
    assert len({new_user_code() for _ in range(1000)}) == 1000
    assert len({new_secret() for _ in range(1000)}) == 1000


@given(verifiers, verifiers)
def test_only_the_verifier_proves_its_challenge(verifier: str, other: str) -> None:
    challenge = challenge_of(verifier)
    assert is_challenge(challenge)
    assert proves(verifier, challenge)
    assume(other != verifier)
    assert not proves(other, challenge)


@given(st.text(max_size=200))
def test_what_is_no_verifier_proves_nothing(text: str) -> None:
    assume(not re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", text))
    assert not proves(text, text)


def test_the_challenge_is_that_of_the_specification() -> None:
    """RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
