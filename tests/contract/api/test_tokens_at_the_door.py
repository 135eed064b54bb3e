"""Tokens as an identity provider gives them, and as others forge them, sent to the API over HTTP: whoever's does not
hold is told one thing, whatever was wrong with it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
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
)
from joserfc.jwk import ECKey
from sqlalchemy import insert
from worker_places import WorkerPlace, reading

from bongsu.domain.people import Actor
from bongsu.domain.run import AttemptState
from bongsu.identity.remote_keys import RemoteKeys
from bongsu.identity.settings import TrustedIssuer
from bongsu.identity.verifier import Trust
from bongsu.service.authenticating import open_authenticator
from bongsu.store.attempts import finish_attempt
from bongsu.store.schema_people import subjects

EC = KEYS["ES256"]
IMPOSTOR = ECKey.generate_key("P-256", {"kid": "ec"})
HEADER = {"alg": "ES256", "kid": "ec", "typ": "JWT"}


class ProviderPlace(WorkerPlace):
    """People sign in at an identity provider; ``kim`` there is ``kim`` here.

    Attributes:
    provider: whose keys a test may change.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.provider = Provider()
        issuer = TrustedIssuer(ISSUER, AUDIENCE, ("mnd",), refresh_after_s=10)
        trusts = [Trust(issuer, RemoteKeys(issuer, self.provider))]
        self._doors = open_authenticator(self.platform.database, trusts, self.keys)
        with self.platform.write() as connection:
            for person in ("kim", "army-eng"):
                values = {"ministry": "mnd", "issuer": ISSUER, "subject": person, "person": person}
                connection.execute(insert(subjects).values(**values))

    def identify(self, token: str) -> Actor:
        return self._doors.actor(token, self.now)

    def me(self, token: str) -> Any:
        return self.http.get("/v1/me", headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def place(tmp_path: Path) -> Iterator[ProviderPlace]:
    made = ProviderPlace(tmp_path)
    assert made.now == NOW
    yield made
    made.close()


BAD: dict[str, str] = {
    "expired": good(iat=int(NOW) - 7200, exp=int(NOW) - 3600),
    "not yet valid": good(nbf=int(NOW) + 3600),
    "issued in the future": good(iat=int(NOW) + 3600, exp=int(NOW) + 7200),
    "without an end": good(exp=None),
    "wrong audience": good(aud="another"),
    "no audience": good(aud=None),
    "wrong issuer": good(iss="https://login.evil.example"),
    "issuer with a slash": good(iss=ISSUER + "/"),
    "no issuer": good(iss=None),
    "another key with the same kid": signed(IMPOSTOR, claims()),
    "a key of its own": signed(IMPOSTOR, claims(), header={"jwk": IMPOSTOR.as_dict(private=False)}),
    "a key from elsewhere": signed(IMPOSTOR, claims(), header={"jku": "https://evil.example/jwks"}),
    "alg none": forged(HEADER | {"alg": "none"}, claims()),
    "alg NONE with a signature": forged(HEADER | {"alg": "NONE"}, claims(), b"x" * 64),
    "no alg": forged({"kid": "ec"}, claims(), b"x" * 64),
    "HS256 with the public key": hmac_with_public_key(EC.as_pem(private=False), claims(), "ec"),
    "HS256 with the public RSA key": hmac_with_public_key(KEYS["RS256"].as_pem(private=False), claims(), "rsa"),
    "a critical extension": forged(HEADER | {"crit": ["x"], "x": 1}, claims(), b"x" * 64),
    "truncated": good()[:-8],
    "without its signature": good().rpartition(".")[0] + ".",
    "signature of another": good().rpartition(".")[0] + "." + good(sub="lee").rpartition(".")[2],
    "oversize": good(padding="x" * 16_000),
    "a stranger": good(sub="stranger"),
    "nobody": good(sub=""),
    "a list as subject": good(sub=["kim"]),
    "a client without a person": good(client_id="kim"),
    "two tokens": f"{good()}, Bearer {good()}",
    "the name alone": "kim",
    "quoted": f'"{good()}"',
}


def test_a_token_that_holds_lets_in(place: ProviderPlace) -> None:
    for algorithm in KEYS:
        answer = place.me(good(algorithm))
        assert (answer.status_code, answer.json()["id"]) == (200, "kim")


def test_whatever_is_wrong_is_told_in_one_way(place: ProviderPlace) -> None:
    told = set()
    for name, token in BAD.items():
        answer = place.http.get(
            "/v1/me", headers={"Authorization": f"Bearer {token}", "X-Request-Id": "same-number"}
        )
        assert answer.status_code == 401, name
        assert token not in answer.text
        told.add((answer.text, str(sorted(answer.headers.items()))))
    nothing = place.http.get("/v1/me", headers={"X-Request-Id": "same-number"})
    assert told == {(nothing.text, str(sorted(nothing.headers.items())))}


@pytest.mark.parametrize("raw", [b"\xed\x95\x9c\xea\xb8\x80", b"\xff\xfe", b"a\x00b", b"\xc3\xa9.b.c", b"."])
def test_bytes_that_are_no_token_are_refused(place: ProviderPlace, raw: bytes) -> None:
    answer = place.http.get("/v1/me", headers=[(b"Authorization", b"Bearer " + raw)])
    assert answer.status_code == 401


def test_a_token_stands_in_one_header_and_nowhere_else(place: ProviderPlace) -> None:
    token = good()
    other = signed(IMPOSTOR, claims())
    for second in (token, other, ""):
        for pair in ((token, second), (second, token)):
            headers = [("Authorization", f"Bearer {one}") for one in pair]
            assert place.http.get("/v1/me", headers=headers).status_code == 401
    asked = place.http.get("/v1/me", params={"access_token": token, "token": token})
    assert asked.status_code == 401
    for headers in (
        {"Cookie": f"access_token={token}; Authorization=Bearer {token}"},
        {"Proxy-Authorization": f"Bearer {token}"},
        {"X-Access-Token": token},
        {"Authorization": token},
        {"Authorization": f"DPoP {token}"},
    ):
        assert place.http.get("/v1/me", headers=headers).status_code == 401
    body = place.http.post("/v1/pipelines/validate", data={"access_token": token})
    assert body.status_code == 401


def test_keys_are_changed_while_requests_come(place: ProviderPlace) -> None:
    old, new = (ECKey.generate_key("P-256", {"kid": kid}) for kid in ("old", "new"))
    place.provider.keys = (old,)
    statuses: dict[str, list[int]] = {"old": [], "new": []}
    stop = threading.Event()

    def asks(key: ECKey) -> None:
        while not stop.is_set():
            statuses[str(key.kid)].append(place.me(signed(key, claims())).status_code)

    assert place.me(signed(old, claims())).status_code == 200
    threads = [threading.Thread(target=asks, args=(old,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        place.provider.keys = (old, new)
        place.now += 20
        assert place.me(signed(new, claims())).status_code == 200
        place.now += 20
        assert place.me(signed(old, claims())).status_code == 200
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert set(statuses["old"]) == {200}
    newest = ECKey.generate_key("P-256", {"kid": "newest"})
    place.provider.keys = (newest,)
    place.now += 20
    assert place.me(signed(newest, claims())).status_code == 200
    assert [place.me(signed(key, claims())).status_code for key in (old, new)] == [401, 401]


def test_a_good_token_of_whoever_is_disabled_is_refused_at_once(place: ProviderPlace) -> None:
    token = good()
    assert place.me(token).status_code == 200
    place.disable("kim")
    assert place.me(token).status_code == 401
    place.disable("kim", again=True)
    assert place.me(token).status_code == 200


def test_a_token_of_a_worker_ends_with_its_attempt(place: ProviderPlace) -> None:
    attempt = place.launched(reading(place.law))
    token = place.token(attempt)
    assert place.asks(token, attempt, f"inputs/{place.law}").status_code == 200
    assert place.me(token).status_code == 403, "it is nobody's but the attempt's"
    with place.platform.write() as connection:
        finish_attempt(connection, attempt, AttemptState.SUCCEEDED, place.now, None)
    assert place.asks(token, attempt, f"inputs/{place.law}").status_code == 401
    assert place.me(token).status_code == 401


def test_the_provider_does_not_sign_for_workers_nor_the_control_plane_for_people(place: ProviderPlace) -> None:
    attempt = place.launched(reading(place.law))
    claim = claims(iss="bongsu", sub=attempt.key, aud="bongsu")
    for kind in ("JWT", "bongsu-attempt+jwt"):
        token = signed(EC, claim, header={"typ": kind})
        assert place.asks(token, attempt, f"inputs/{place.law}").status_code == 401
