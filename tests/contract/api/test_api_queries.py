"""What can be no text in an address is refused in one way, at every route, whichever database there is."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
        assert place.ask("kim", "GET", f"/v1/search?q={written}&kind=run").status_code != 500
        assert "control character" not in place.ask("kim", "GET", f"/v1/search?q={written}").text


LARGE = (2**31, 2**53 - 1, 10**30)


def test_whole_numbers_that_no_column_holds_are_no_fault_of_ours(place: ApiPlace) -> None:
    """As parameters, in filters, in cursors and in paths; each is asked of the database, or refused before."""
    failed, asked = list[str](), 0
    place.permit_use()
    place.permit_data()
    place.register()
    run = place.run_of("kim")
    for path, operations in place.app.openapi()["paths"].items():
        operation = operations.get("get")
        if operation is None:
            continue
        here = _filled(path, operation, run)
        for number in LARGE:
            for query in _queries(place, here, operation, number):
                asked += 1
                answer = place.ask("lee", "GET", f"{_filled(path, operation, run, number)}?{query}")
                if answer.status_code >= 500:
                    failed.append(f"{path}?{query} {answer.status_code}")
    assert failed == []
    assert asked > 500
    assert place.ask("kim", "GET", f"/v1/runs/{run}/events", params={"after": 2**31}).json()["items"] == []
    for path in ("data-permits", "suspensions"):
        assert place.ask("lee", "GET", f"/v1/{path}", params={"ministry": "mnd"}).status_code == 200


def _filled(path: str, operation: dict[str, Any], run: str, number: int | None = None) -> str:
    """With something at every place of a path; a large number where one belongs there."""
    known = {"run": run, "ministry": "mnd", "home": "mnd", "name": "kim", "stage": "a"}
    for one in operation.get("parameters", ()):
        if one["in"] == "path":
            is_number = one["schema"].get("type") == "integer" or one["name"] in ("version", "number", "attempt")
            value = number if is_number and number is not None else known.get(one["name"], 1)
            path = path.replace(f"{{{one['name']}}}", str(value))
    return path


def _queries(place: ApiPlace, path: str, operation: dict[str, Any], number: int) -> Iterator[str]:
    names = {one["name"]: one["schema"] for one in operation.get("parameters", ()) if one["in"] == "query"}
    yield ""
    for name, schema in names.items():
        kinds = {schema.get("type"), *(one.get("type") for one in schema.get("anyOf", ()))}
        if "integer" in kinds:
            yield f"{name}={number}"
    if "filter" in names:
        told = place.ask("lee", "GET", f"{path}?filter=zzz%3D1").text
        for field in sorted(set(re.findall(r"[a-z][a-zA-Z]+", told))):
            yield f"filter={field}%3D{number}"
    if "cursor" in names:
        page = place.ask("lee", "GET", path, params={"limit": 1})
        cursor = page.json().get("next") if page.status_code == 200 else None
        if cursor:
            parts = json.loads(urlsafe_b64decode(f"{cursor}=="))
            for place_ in range(1, len(parts)):
                changed = [*parts[:place_], number, *parts[place_ + 1 :]]
                yield f"limit=1&cursor={urlsafe_b64encode(json.dumps(changed).encode()).decode().rstrip('=')}"
