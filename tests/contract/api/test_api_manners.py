"""What a client expects of any server: a page at its address, and conditions that count."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_places import ApiPlace


@pytest.fixture
def place(tmp_path: Path) -> Iterator[ApiPlace]:
    made = ApiPlace(tmp_path)
    made.permit_use()
    yield made
    made.close()


@pytest.mark.parametrize(("language", "word"), [("en", "sign in"), ("ko", "로그인")])
def test_the_address_of_the_server_says_what_is_where(place: ApiPlace, language: str, word: str) -> None:
    answer = place.http.get("/", headers={"Accept-Language": language})
    assert (answer.status_code, answer.headers["content-language"]) == (200, language)
    assert word in answer.text
    (schema,) = re.findall(r"/[a-z/]+\.json", answer.text)
    assert place.http.get(schema).status_code == 200


def test_a_method_that_a_path_does_not_take_is_told_those_that_it_does(place: ApiPlace) -> None:
    answer = place.ask("kim", "DELETE", "/v1/runs")
    assert (answer.status_code, answer.json()["code"]) == (405, "api.wrong-method")
    assert {"GET", "POST"} & set(answer.headers["allow"].split(", "))


def test_a_request_to_two_hosts_is_to_none(place: ApiPlace) -> None:
    answer = place.http.get("/v1/server", headers=[("Host", "one.example"), ("Host", "two.example")])
    assert (answer.status_code, answer.json()["code"]) == (400, "api.several-hosts")


@pytest.mark.parametrize(
    ("own", "asked", "told"), [("en", "", "en"), ("ko", "", "ko"), ("en", "ko", "ko"), ("en", "fr", "en")]
)
def test_who_asks_for_no_language_is_answered_in_the_server_s(
    tmp_path: Path, own: str, asked: str, told: str
) -> None:
    place = ApiPlace(tmp_path, language=own)
    # An empty header names none; without it the client would send its own.
    for path in ("/v1/runs/gone", "/nowhere", "/v1/runs?filter=x"):
        answer = place.ask("kim", "GET", path, headers={"Accept-Language": asked})
        assert (answer.is_error, answer.headers["content-language"]) == (True, told), path
        assert answer.json()["title"].isascii() == (told == "en"), answer.text
    assert place.http.get("/", headers={"Accept-Language": asked}).headers["content-language"] == told
    place.close()


def test_a_change_under_a_condition_that_nobody_compares_is_not_made(place: ApiPlace) -> None:
    run = place.run_of("kim")
    refused = place.ask("kim", "POST", f"/v1/runs/{run}/cancel", headers={"If-Match": '"other"'})
    assert (refused.status_code, refused.json()["code"]) == (412, "api.precondition")
    assert place.ask("kim", "GET", f"/v1/runs/{run}").json()["run"]["state"] == "pending"
    assert place.ask("kim", "GET", f"/v1/runs/{run}", headers={"If-Match": '"other"'}).status_code == 200
    assert place.ask("kim", "POST", f"/v1/runs/{run}/cancel", headers={"If-Match": "*"}).status_code < 300
