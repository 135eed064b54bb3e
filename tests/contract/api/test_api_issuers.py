"""People who sign in at outside providers: nobody takes a subject of another ministry, nor learns from a refusal whose
it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from identity_provider import AUDIENCE, KEYS, Provider, claims, signed
from people_api import PeopleApi
from people_places import new

from bongsu.api.app import create_app
from bongsu.domain.people import Actor
from bongsu.domain.sessions import SessionFamily
from bongsu.identity.remote_keys import RemoteKeys
from bongsu.identity.settings import TrustedIssuer
from bongsu.identity.verifier import Trust
from bongsu.service.authenticating import open_authenticator
from bongsu.service.control_plane import ControlPlane
from bongsu.service.people import disable
from bongsu.service.signing_keys import KeyUse, signing_keys
from bongsu.store.database import Database
from bongsu.store.sessions import add_family, find_family

SHARED, OF_MSIT = "https://login.shared.example", "https://login.msit.example"
ISSUERS = (
    TrustedIssuer(SHARED, AUDIENCE, ("mnd", "msit"), "org"),
    TrustedIssuer(OF_MSIT, AUDIENCE, ("msit",)),
)


class Outside(PeopleApi):
    """Two providers, one of both ministries and one of MSIT's. Operators still come by their id alone."""

    def __init__(self, database: Database, folder: Path) -> None:
        super().__init__(database, folder)
        keys = signing_keys(folder, KeyUse.ATTEMPTS, lambda: self.now)
        trusts = [Trust(one, RemoteKeys(one, Provider())) for one in ISSUERS]
        self._door = open_authenticator(database, trusts, keys)
        base = replace(self.platform, issuers=(*self.platform.issuers, *ISSUERS))
        self.platform = base
        self.http = TestClient(create_app(ControlPlane(base, self.identify)), headers={"Accept-Language": "en"})

    def identify(self, token: str) -> Actor:
        return self._door.actor(token, self.now) if token.count(".") == 2 else super().identify(token)

    def token(self, issuer: str, subject: str, **other: Any) -> str:
        times = {"iat": int(self.now), "exp": int(self.now) + 600}
        return signed(KEYS["ES256"], claims(iss=issuer, sub=subject, **times, **other))

    def who(self, token: str) -> str:
        """Id of whom the token is, or the code of the refusal."""
        answer = self.ask(token, "GET", "/v1/me").json()
        return str(answer.get("id") or answer["code"])

    def add_at(self, operator: str, person: str, issuer: str, subject: str) -> Any:
        body = {"id": person, "name": "x", "issuer": issuer, "subject": subject}
        return self.ask(operator, "POST", "/v1/people", json=body)


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Outside:
    return Outside(database, tmp_path)


def test_whoever_takes_a_subject_first_takes_nobody(place: Outside) -> None:
    assert place.add_at("msit/op", "msit/thief", SHARED, "kim").status_code == 201
    of_mnd, of_msit = place.token(SHARED, "kim", org="mnd"), place.token(SHARED, "kim", org="msit")
    assert place.who(of_mnd) == "identity.not-signed-in", "not the thief"
    assert place.add_at("mnd/op", "mnd/kim", SHARED, "kim").status_code == 201, "and they are added all the same"
    assert (place.who(of_mnd), place.who(of_msit)) == ("mnd/kim", "msit/thief")
    disable(place.platform, place.actor("msit/op"), "msit/thief")
    assert (place.who(of_mnd), place.who(of_msit)) == ("mnd/kim", "identity.not-signed-in")


def test_an_answer_tells_of_nobody_elsewhere(place: Outside) -> None:
    assert place.add_at("mnd/op", "mnd/kim", SHARED, "kim").status_code == 201
    answers = []
    for number, subject in enumerate(("kim", "nobody")):
        made = place.add_at("msit/op", f"msit/x{number}", SHARED, subject)
        answers.append((made.status_code, made.text.replace(f"msit/x{number}", "ID")))
    assert answers[0] == answers[1]
    again = place.add_at("msit/op", "msit/y", SHARED, "kim")
    assert (again.status_code, again.json()["code"]) == (409, "people.subject-taken"), "of their own they are told"


@pytest.mark.parametrize(
    "said", [{}, {"org": "army"}, {"org": ["mnd"]}, {"org": "MND"}, {"org": "mnd\n"}, {"org": 1}]
)
def test_a_token_that_names_no_ministry_of_its_provider_is_nobodys(place: Outside, said: dict[str, Any]) -> None:
    assert place.add_at("mnd/op", "mnd/kim", SHARED, "kim").status_code == 201
    assert place.who(place.token(SHARED, "kim", **said)) == "identity.not-signed-in"


def test_a_provider_of_one_ministry_is_no_other_ones(place: Outside) -> None:
    assert place.add_at("msit/op", "msit/lee", OF_MSIT, "lee").status_code == 201
    assert place.who(place.token(OF_MSIT, "lee", org="mnd")) == "msit/lee", "which is whose it is, whatever it says"
    told = []
    for issuer in (OF_MSIT, "https://login.unheard.example"):
        for subject in ("lee", "nobody"):
            refused = place.add_at("mnd/op", "mnd/lee", issuer, subject)
            assert (refused.status_code, refused.json()["code"]) == (422, "people.issuer-home")
            told.append(str(refused.json()["problems"]).replace(issuer, "URL"))
    assert len(set(told)) == 1, "neither whose provider it is nor who is there"


def test_a_foreign_ministry_learns_nothing_of_providers(place: Outside) -> None:
    told = set()
    for issuer in (SHARED, OF_MSIT, "https://login.unheard.example"):
        answer = place.add_at("mnd/op", "msit/x", issuer, "s")
        told.add((answer.status_code, answer.json()["code"], str(answer.json()["problems"])))
    assert {(status, code) for status, code, _ in told} == {(404, "people.unknown-ministry")}
    assert len(told) == 1


def test_a_ministry_begins_at_a_provider_that_serves_it(place: Outside) -> None:
    body = {"name": "navy", "titleKo": "해군", "titleEn": "Navy"}
    operator = {"id": "navy/op", "name": "x", "issuer": SHARED, "subject": "n"}
    refused = place.ask("mnd/op", "POST", "/v1/ministries", json={**body, "operator": operator})
    assert (refused.status_code, refused.json()["code"]) == (422, "people.issuer-home")
    assert place.ask("navy/op", "GET", "/v1/me").status_code == 401


def test_who_is_disabled_ends_no_session_of_whoever_is_called_so_elsewhere(place: Outside) -> None:
    """What an outside provider calls somebody may be what this server calls somebody of another ministry."""
    assert place.add_at("msit/op", "msit/thief", SHARED, "mnd/op").status_code == 201
    family = SessionFamily("f", "bongsu-cli", "mnd/op", "bongsu", place.now, place.now + 1000)
    with place.platform.database.write() as connection:
        add_family(connection, family)
    disable(place.platform, place.actor("msit/op"), "msit/thief")
    with place.platform.database.write() as connection:
        found = find_family(connection, "f")
    assert found is not None
    assert found.ended_at is None


def test_of_one_ministry_a_subject_is_one_persons(place: Outside) -> None:
    first = replace(new("mnd/kim"), issuer=SHARED, subject="kim")
    place.ask(
        "mnd/op", "POST", "/v1/people", json={"id": first.id, "name": "x", "issuer": SHARED, "subject": "kim"}
    )
    second = place.add_at("mnd/op", "mnd/kim2", SHARED, "kim")
    assert (second.status_code, second.json()["code"]) == (409, "people.subject-taken")
