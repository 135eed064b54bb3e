"""A parameter that a route does not have is refused: passed over, a mistyped filter would give the whole list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from api_places import ApiPlace

# What comes back from an identity provider is OpenID Connect's to state, and may grow.
OPEN = "/v1/session/callback"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[ApiPlace]:
    made = ApiPlace(tmp_path, requests_a_minute=10**6)
    made.permit_use()
    yield made
    made.close()


def problems(place: ApiPlace, path: str) -> dict[str, str]:
    """What is told of each place, and how to mend it."""
    answer = place.ask("kim", "GET", path)
    assert (answer.status_code, answer.json()["code"]) == (422, "api.bad-request"), answer.text
    return {one["message"].partition(": ")[0].rpartition(" ")[2]: one["fix"] for one in answer.json()["problems"]}


def test_every_route_refuses_a_parameter_that_its_description_does_not_have(place: ApiPlace) -> None:
    passed_over, asked = [], 0
    for path, operations in place.app.openapi()["paths"].items():
        for method, operation in operations.items():
            if not path.startswith("/v1/") or path == OPEN or operation["x-permission"] == "worker":
                continue
            asked += 1
            answer = place.ask("kim", method.upper(), f"{path.replace('{', '').replace('}', '')}?filtr=1")
            if answer.status_code != 422 or "query.filtr" not in answer.text:
                passed_over.append(f"{method} {path} {answer.status_code}")
    assert passed_over == []
    assert asked > 90


def test_the_name_that_was_probably_meant_is_told(place: ApiPlace) -> None:
    told = problems(place, "/v1/runs?filtr=state=failed&fields=id")
    assert list(told) == ["query.filtr"]
    assert told["query.filtr"].startswith("Did you mean filter?")
    assert "Did you mean" not in problems(place, "/v1/runs?zzzzzzzz=1")["query.zzzzzzzz"]


def test_all_that_is_wrong_with_an_address_is_told_at_once(place: ApiPlace) -> None:
    assert set(problems(place, "/v1/runs?filtr=a&limit=0&cursr=b")) == {"query.filtr", "query.limit", "query.cursr"}


def test_nothing_is_done_under_a_parameter_that_nobody_reads(place: ApiPlace) -> None:
    run = place.run_of("kim")
    assert place.ask("kim", "POST", f"/v1/runs/{run}/cancel?dryRun=true").status_code == 422
    assert place.ask("kim", "GET", f"/v1/runs/{run}").json()["run"]["state"] == "pending"


def test_a_stranger_is_told_of_no_parameters(place: ApiPlace) -> None:
    assert place.http.get("/v1/runs?filtr=a").status_code == 401
