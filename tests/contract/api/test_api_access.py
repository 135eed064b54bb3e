"""Nobody gets anything without a token, a permission, a ministry and a clearance; and is not told what there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_places import PIPELINE, ApiPlace
from fastapi import APIRouter
from governed_places import SECRET

from bongsu.api.app import create_app
from bongsu.api.asking import ANYBODY, Door, doors
from bongsu.domain.labels import OPEN
from bongsu.service.browsers.settings import SESSION_PATH


@pytest.fixture
def place(tmp_path: Path) -> Iterator[ApiPlace]:
    made = ApiPlace(tmp_path)
    made.permit_use()
    made.permit_use(ministry="army")
    yield made
    made.close()


def asked_doors(place: ApiPlace) -> list[Door]:
    return [door for door in doors(place.app) if door.path.startswith(("/v1", "/healthz", "/readyz"))]


def filled(path: str, run: str = "r-000000000001") -> str:
    """Of these names the form counts; any other takes any word."""
    formed = {
        "run": run,
        "ministry": "mnd",
        "digest": "sha256-" + "0" * 64,
        "number": "1",
        "version": "1",
        "position": "0",
        "act": "apply",
    }
    return re.sub(r"\{(\w+)(:path)?\}", lambda name: formed.get(name[1], "word"), path)


def test_whoever_is_nobody_is_refused_everywhere(place: ApiPlace) -> None:
    asked = 0
    for route in asked_doors(place):
        for method in sorted(route.methods):
            for headers in ({}, {"Authorization": "Bearer nobody"}, {"Authorization": "Basic a2ltOmtpbQ=="}):
                response = place.http.request(method, filled(route.path), headers=headers)
                if route.permission == ANYBODY:
                    # Nobody signs in to this place with a browser.
                    assert response.status_code == (404 if route.path.startswith(SESSION_PATH) else 200)
                    continue
                asked += 1
                assert response.status_code == 401, (method, route.path)
                assert response.headers["www-authenticate"].startswith("Bearer")
                assert response.json()["code"] == "identity.not-signed-in"
    assert asked > 100


def test_an_application_with_a_route_that_asks_for_nothing_is_not_made(place: ApiPlace) -> None:
    router = APIRouter()

    @router.get("/v1/open")
    def forgotten() -> str:
        return "everything"

    with pytest.raises(RuntimeError, match="/v1/open"):
        create_app(place.plane, routers=[router])


def test_a_run_of_another_ministry_is_as_one_that_there_is_not(place: ApiPlace) -> None:
    run = place.run_of("kim")
    absent = "r-" + "z" * 12
    for route in asked_doors(place):
        if "{run}" not in route.path:
            continue
        for method in sorted(route.methods):
            there = place.ask("army-eng", method, filled(route.path, run))
            nowhere = place.ask("army-eng", method, filled(route.path, absent))
            assert there.status_code == nowhere.status_code == 404, (method, route.path)
            told = [one.json()["problems"] for one in (there, nowhere)]
            assert str(told[0]).replace(run, absent) == str(told[1])
    assert place.ask("army-eng", "GET", "/v1/runs").json() == {"items": [], "next": None}
    assert place.ask("kim", "GET", "/v1/runs").json()["items"][0]["id"] == run
    assert place.ask("army-eng", "GET", "/v1/runs/latest").status_code == 404


def test_a_run_above_ones_clearance_is_as_one_that_there_is_not(place: ApiPlace) -> None:
    secret = place.run_of("kim", "secret", SECRET)
    plain = place.run_of("kim", "plain")
    with place.platform.write() as connection:
        from sqlalchemy import update

        from bongsu.store.schema_people import people

        connection.execute(update(people).where(people.c.id == "kim").values(clearance=str(OPEN)))
    assert [one["id"] for one in place.ask("kim", "GET", "/v1/runs").json()["items"]] == [plain]
    assert place.ask("kim", "GET", f"/v1/runs/{secret}").status_code == 404
    assert place.ask("kim", "GET", "/v1/runs/latest").json()["run"]["id"] == plain
    beginning = secret[:6]
    told = place.ask("kim", "GET", f"/v1/runs/{beginning}").json()
    assert secret not in str(told)
    assert place.ask("lee", "GET", f"/v1/runs/{secret}").status_code == 200


def test_who_may_look_and_not_act_is_told_what_would_let_them(place: ApiPlace) -> None:
    run = place.run_of("kim")
    response = place.ask("lee", "POST", f"/v1/runs/{run}/cancel")
    assert response.status_code == 403
    assert response.json()["title"] == (
        "lee may not do this in mnd: it needs the permission runs.control, and they are programme-manager there"
        " (rule access.permission)."
    )
    assert "engineer" in response.json()["detail"]
    assert place.ask("lee", "GET", f"/v1/runs/{run}/stages/a/logs").status_code == 403


def test_a_pipeline_of_a_ministry_in_which_one_is_nothing_is_refused(place: ApiPlace) -> None:
    body = {"text": PIPELINE.replace("ministry: mnd", "ministry: army")}
    nowhere = {"text": PIPELINE.replace("ministry: mnd", "ministry: nowhere")}
    responses = [place.ask("kim", "POST", "/v1/runs", json=one) for one in (body, nowhere)]
    assert [one.status_code for one in responses] == [404, 404]
    told = [str(one.json()["problems"]).replace("army", "nowhere") for one in responses]
    assert told[0] == told[1]
    assert place.ask("army-eng", "GET", "/v1/runs").json()["items"] == []
