"""What can be no text in an address is refused in one way, at every route, whichever database there is."""

from __future__ import annotations

from pathlib import Path

import pytest
from api_places import ApiPlace

from bongsu.store.database import Database

NOT_TEXT = {
    "NUL": "%00",
    "NUL in the middle": "a%00b",
    "escape": "%1b[31m",
    "end of line": "a%0ab",
    "tab": "a%09b",
    "delete": "%7f",
    "half a surrogate": "%ed%a0%80",
    "a byte that is no UTF-8": "%ff",
    "a NUL that is written too long": "%c0%80",
}


@pytest.fixture
def place(database: Database, tmp_path: Path) -> ApiPlace:
    return ApiPlace(tmp_path, database, requests_a_minute=10**6)


def test_every_parameter_of_every_route_refuses_what_is_no_text(place: ApiPlace) -> None:
    asked, wrong = 0, {}
    document = place.app.openapi()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            named = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
            for name in [*named, "unheard"]:
                for what, written in NOT_TEXT.items():
                    asked += 1
                    answer = place.ask("kim", method.upper(), f"{path}?first=1&{name}={written}")
                    place_told = str(answer.json()["problems"]) if answer.status_code == 422 else ""
                    if f"query.{name}" not in place_told or answer.json()["code"] != "api.bad-request":
                        wrong[f"{method} {path} {name} {what}"] = f"{answer.status_code} {answer.text[:100]}"
    assert wrong == {}
    assert asked > 1000


@pytest.mark.parametrize("written", ["%00", "%ff"])
def test_a_name_that_is_no_text_is_refused_and_not_repeated(place: ApiPlace, written: str) -> None:
    answer = place.ask("kim", "GET", f"/v1/runs?a{written}b=1")
    assert (answer.status_code, answer.json()["code"]) == (422, "api.bad-request")
    assert "\x00" not in str(answer.json())


def test_other_texts_are_read(place: ApiPlace) -> None:
    for written in ("%EB%B2%95", "%F0%9F%9A%80", "a+b", "%25", "%", "%zz", "%2B"):
        assert place.ask("kim", "GET", f"/v1/search?q={written}&kinds=run").status_code != 500
        assert "control character" not in place.ask("kim", "GET", f"/v1/search?q={written}").text
