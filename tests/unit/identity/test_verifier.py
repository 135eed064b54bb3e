"""Bearer tokens: what holds, and everything that does not, with its cause for the log and one text for strangers."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from identity_provider import (
    AUDIENCE,
    ISSUER,
    KEYS,
    NOW,
    Provider,
    claims,
    forged,
    good,
    hmac_with_public_key,
    signed,
    verifier,
)
from joserfc.jwk import ECKey, RSAKey

from bongsu.domain.people import ActorKind
from bongsu.domain.problems import BongsuError
from bongsu.identity.parsing import MAX_TOKEN_BYTES
from bongsu.identity.refusals import Cause, TokenRefusedError
from bongsu.identity.settings import TrustedIssuer

HEADER = {"alg": "ES256", "kid": "ec", "typ": "JWT"}


def cause(token: str, now: float = NOW, **settings: Any) -> Cause:
    with pytest.raises(TokenRefusedError) as caught:
        verifier(**settings).verify(token, now)
    return caught.value.cause


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_token_says_who_it_is_of(algorithm: str) -> None:
    found = verifier().verify(good(algorithm, scope="openid bongsu"), NOW)
    assert (found.issuer, found.subject, found.kind) == (ISSUER, "kim", ActorKind.PERSON)
    assert found.scopes == {"openid", "bongsu"}
    assert found.expires_at == NOW + 600
    assert found.attempt is None


def test_what_a_client_got_for_itself_is_a_services() -> None:
    assert verifier().verify(good(client_id="kim"), NOW).kind is ActorKind.SERVICE
    assert verifier().verify(good(azp="kim"), NOW).kind is ActorKind.SERVICE
    assert verifier().verify(good(client_id="bongsu-cli"), NOW).kind is ActorKind.PERSON


def test_a_token_for_several_is_for_us_too() -> None:
    assert verifier().verify(good(aud=["other", AUDIENCE]), NOW).subject == "kim"


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"exp": int(NOW) - 31}, Cause.EXPIRED),
        ({"nbf": int(NOW) + 31}, Cause.NOT_YET_VALID),
        ({"iat": int(NOW) + 31}, Cause.NOT_YET_VALID),
        ({"aud": "another"}, Cause.AUDIENCE),
        ({"aud": ["another", "bongsu2"]}, Cause.AUDIENCE),
        ({"aud": {AUDIENCE: 1}}, Cause.AUDIENCE),
        ({"aud": None}, Cause.CLAIMS),
        ({"iss": "https://login.other.example"}, Cause.ISSUER),
        ({"iss": ISSUER + "/"}, Cause.ISSUER),
        ({"iss": None}, Cause.ISSUER),
        ({"iss": [ISSUER]}, Cause.ISSUER),
        ({"sub": None}, Cause.CLAIMS),
        ({"sub": ""}, Cause.CLAIMS),
        ({"sub": 7}, Cause.CLAIMS),
        ({"sub": "k" * 256}, Cause.CLAIMS),
        ({"sub": "kim\u0000"}, Cause.CLAIMS),
        ({"sub": "kim\nroot"}, Cause.CLAIMS),
        ({"sub": "\ud800"}, Cause.CLAIMS),
        ({"exp": None}, Cause.CLAIMS),
        ({"exp": "1800000000"}, Cause.CLAIMS),
        ({"exp": True}, Cause.CLAIMS),
        ({"exp": 1e300}, Cause.LIFE),
        ({"exp": int(NOW) + 100_000}, Cause.LIFE),
        ({"iat": int(NOW) - 90_000}, Cause.LIFE),
        ({"scope": {"a": 1}}, Cause.CLAIMS),
        ({"scp": ["a"] * 200}, Cause.CLAIMS),
    ],
)
def test_a_claim_that_is_wrong_is_refused_for_what_it_is(other: dict[str, Any], expected: Cause) -> None:
    assert cause(good(**other)) is expected


def test_clocks_may_be_apart_by_the_leeway() -> None:
    for other in ({"exp": int(NOW) - 29}, {"nbf": int(NOW) + 30}, {"iat": int(NOW) + 30}):
        assert verifier().verify(good(**other), NOW).subject == "kim"
    assert cause(good(exp=int(NOW)), leeway_s=0) is Cause.EXPIRED


def test_another_key_under_the_same_id_does_not_sign() -> None:
    other = ECKey.generate_key("P-256", {"kid": "ec"})
    assert cause(signed(other, claims())) is Cause.SIGNATURE


def test_no_algorithm_is_no_signature() -> None:
    for name in ("none", "None", "NONE", "nOnE", ""):
        assert cause(forged(HEADER | {"alg": name}, claims(), b"x")) is Cause.ALGORITHM
    assert cause(forged(HEADER | {"alg": "none"}, claims())) is Cause.MALFORMED


@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_a_public_key_is_no_shared_secret(form: Any) -> None:
    rsa = KEYS["RS256"]
    assert isinstance(rsa, RSAKey)
    token = hmac_with_public_key(rsa.as_bytes(encoding=form, private=False), claims(), "rsa")
    assert cause(token) is Cause.ALGORITHM


def test_shared_secrets_cannot_be_switched_on() -> None:
    for name in ("HS256", "none"):
        with pytest.raises(Exception, match="algorithms"):
            TrustedIssuer(ISSUER, AUDIENCE, ("mnd",), algorithms=("ES256", name))


def test_an_algorithm_that_is_not_allowed_is_refused_though_its_key_is_there() -> None:
    assert cause(good("RS256"), algorithms=("ES256",)) is Cause.ALGORITHM


def test_a_key_serves_its_own_algorithm_alone() -> None:
    provider = Provider()
    for algorithm, kid in (("RS256", "ec"), ("ES256", "rsa"), ("EdDSA", "ec")):
        with pytest.raises(TokenRefusedError) as caught:
            verifier(provider).verify(signed(KEYS[algorithm], claims(), algorithm, {"kid": kid}), NOW)
        assert caught.value.cause is Cause.KEY


@pytest.mark.parametrize(
    "extra",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MIIB"]},
        {"jwk": KEYS["ES256"].as_dict(private=False)},
        {"b64": False},
        {"zip": "DEF"},
        {"enc": "A256GCM"},
        {"alg": 5},
        {"alg": None},
        {"typ": ["JWT"]},
    ],
)
def test_a_header_that_brings_its_own_rules_is_refused(extra: dict[str, Any]) -> None:
    assert cause(forged(HEADER | extra, claims(), b"signature")) is Cause.HEADER


def test_a_token_with_its_own_key_is_not_believed() -> None:
    own = ECKey.generate_key("P-256", {"kid": "mine"})
    token = signed(own, claims(), header={"jwk": own.as_dict(private=False)})
    assert cause(token) is Cause.HEADER


@pytest.mark.parametrize("kid", [None, 7, "", "k" * 201])
def test_a_token_names_its_key(kid: object) -> None:
    assert cause(forged(HEADER | {"kid": kid}, claims(), b"signature")) is Cause.KEY


@pytest.mark.parametrize("kind", ["logout+jwt", "bongsu-attempt+jwt", "dpop+jwt"])
def test_another_kind_of_token_by_the_same_issuer_is_none(kind: str) -> None:
    assert cause(signed(KEYS["ES256"], claims(), header={"typ": kind})) is Cause.TYPE


@pytest.mark.parametrize("kind", ["at+jwt", "application/AT+JWT", "jwt", ""])
def test_types_of_access_tokens_are_taken(kind: str) -> None:
    assert verifier().verify(signed(KEYS["ES256"], claims(), header={"typ": kind}), NOW).subject == "kim"


def test_a_changed_payload_does_not_fit_its_signature() -> None:
    header, _, signature = good().split(".")
    payload = base64.urlsafe_b64encode(json.dumps(claims(sub="lee")).encode()).rstrip(b"=").decode()
    assert cause(f"{header}.{payload}.{signature}") is Cause.SIGNATURE


def test_a_huge_token_is_not_read() -> None:
    assert cause(good(padding="x" * MAX_TOKEN_BYTES)) is Cause.TOO_LARGE
    assert cause("x" * 10_000_000) is Cause.TOO_LARGE
    assert cause(signed(KEYS["ES256"], claims(), header={"pad": "x" * 2000})) is Cause.TOO_LARGE


@pytest.mark.parametrize(
    "token",
    [
        "",
        "...",
        "a.b",
        "a.b.c.d",
        "a.b.c",
        "é.b.c",
        "a b.c.d",
        forged([], {}, b"x"),
        forged(HEADER, [1], b"x"),
        forged(HEADER, b"\xff\xfe", b"x"),
        forged(HEADER, b"[" * 5000, b"x"),
        forged(HEADER, b'{"exp":NaN,"iss":"' + ISSUER.encode() + b'"}', b"x"),
        forged(HEADER, b'{"exp":' + b"9" * 5000 + b"}", b"x"),
        forged(b'{"alg":"ES256","alg":"none","kid":"ec"}', claims(), b"x"),
        forged(HEADER, b'{"iss":"' + ISSUER.encode() + b'","sub":"kim","sub":"lee"}', b"x"),
    ],
)
def test_what_is_no_token_is_refused_whatever_it_is(token: str) -> None:
    assert cause(token) is Cause.MALFORMED


def test_strangers_are_told_the_same_whatever_was_wrong() -> None:
    tokens = [
        "",
        good(exp=1),
        good(aud="x"),
        good(iss="x"),
        signed(ECKey.generate_key("P-256", {"kid": "ec"}), claims()),
    ]
    said = set()
    for token in tokens:
        with pytest.raises(TokenRefusedError) as caught:
            verifier().verify(token, NOW)
        said.add(json.dumps([problem.as_dict() for problem in caught.value.problems]))
    assert len(said) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"issuer": "http://login.mnd.example"},
        {"issuer": "ftp://login.mnd.example"},
        {"issuer": "https://user@login.mnd.example"},
        {"issuer": "https://login.mnd.example?x=1"},
        {"issuer": "https://login.mnd.example:port"},
        {"jwks_uri": "http://10.0.0.1/keys"},
        {"audience": ""},
        {"algorithms": ()},
        {"leeway_s": 301},
        {"leeway_s": -1},
        {"refresh_after_s": 0},
    ],
)
def test_settings_that_would_let_others_in_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=r"identity\.setting"):
        TrustedIssuer(**{"issuer": ISSUER, "audience": AUDIENCE, "ministries": ("mnd",)} | settings)


def test_http_is_for_this_machine() -> None:
    for issuer in ("http://127.0.0.1:8080/issuer", "http://localhost", "http://[::1]:1"):
        assert TrustedIssuer(issuer, AUDIENCE, ("mnd",)).issuer == issuer


def test_whose_people_a_provider_tells_of_has_to_be_certain() -> None:
    for settings in ({}, {"ministries": ("mnd", "msit")}, {"ministries": ("M N D",)}):
        with pytest.raises(BongsuError) as caught:
            TrustedIssuer(ISSUER, AUDIENCE, **settings)
        assert "ministries" in str(caught.value)


def test_a_token_is_of_the_ministry_that_its_provider_says() -> None:
    shared = verifier(ministries=("mnd", "msit"), ministry_claim="org")
    assert shared.verify(good(org="msit"), NOW).ministry == "msit"
    anybody = verifier(ministries=(), ministry_claim="org")
    assert anybody.verify(good(org="navy"), NOW).ministry == "navy"
    for wrong in (None, "navy", "", ["mnd"], {"mnd": 1}, "mnd ", True):
        with pytest.raises(TokenRefusedError) as caught:
            shared.verify(good(org=wrong), NOW)
        assert caught.value.cause is Cause.MINISTRY
