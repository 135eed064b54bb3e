"""Every open route of MLflow, in the application that `bongsu serve` serves, as those for whom there is nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from governed_ids import World
from governed_plane import NOBODY_YET, ROBOT, WORKER, identify
from governed_world import BY_WORD, PEOPLE, words_of
from httpx import Response

from bongsu.policy.access import AccessPermit
from bongsu.service.mlflow_mount import viewer
from bongsu.tracking.governed.routes import OPEN_ROUTES, Access, Route

NOBODY = {None: 401, "nonsense": 401, WORKER: 403, NOBODY_YET: 403}
ALWAYS = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
CLOSED_TO_PUBLIC = [route for route in OPEN_ROUTES if route.access is not Access.PUBLIC]


def ask(world: World, route: Route, token: str | None, word: str) -> Response:
    """With whatever names the thing with this word, in the address, the query and the body."""
    ids = world.ids[word]
    values = {
        "model_id": ids.logged_model,
        "trace_id": ids.trace,
        "request_id": ids.trace,
        "workspace_name": ids.ministry,
        "artifact_path:path": ids.file,
        "assessment_id": "a-1",
        "tag_key": "said",
    }
    path = re.sub(r"\{([^}]+)\}", lambda found: values[found[1]], route.template)
    named: dict[str, Any] = {
        "run_id": ids.run,
        "run_uuid": ids.run,
        "run_ids": [ids.run],
        "experiment_id": ids.experiment,
        "experiment_ids": [ids.experiment],
        "experiment_name": ids.pipeline,
        "name": ids.model,
        "version": ids.version,
        "model_id": ids.logged_model,
        "trace_id": ids.trace,
        "trace_ids": [ids.trace],
        "request_id": ids.trace,
        "request_ids": [ids.trace],
        "metric_key": "loss",
        "path": ids.place if "mlflow-artifacts" in path else "config.json",
        "artifact_path": "config.json",
        "artifact_file_path": "config.json",
        "max_results": 100,
        "query": f'query {{ mlflowGetRun(input: {{runId: "{ids.run}"}}) {{ run {{ info {{ runName }} }} }} }}',
        "key": "said",
        "value": "other",
    }
    if route.method == "GET":
        return world.server.ask("GET", path, token, params=named)
    if route.takes_file:
        return world.server.ask(route.method, path, token, content=b"other")
    return world.server.ask(route.method, path, token, json=named)


def test_people_of_the_control_plane_are_those_of_the_world() -> None:
    shared = [AccessPermit("model:dapa-model/1", "dapa", "msit", "administration", *ALWAYS)]
    for token, expected in PEOPLE.items():
        assert viewer(identify(token), shared if expected.shared else ()) == expected


def test_who_is_nobody_there_is_told_one_thing_at_every_route(world: World) -> None:
    for token, status in NOBODY.items():
        told = set()
        for route in CLOSED_TO_PUBLIC:
            answer = ask(world, route, token, "plainword")
            headers = {
                name: value for name, value in answer.headers.items() if name not in ("date", "x-request-id")
            }
            told.add((answer.status_code, answer.text, str(sorted(headers.items()))))
        assert [found for found, _text, _headers in told] == [status]


@pytest.mark.parametrize(
    ("token", "word"),
    [("dapa-all", "plainword"), ("mnd-open", "deepword"), ("mnd-secret", "logiword"), ("mnd-reader", "dapaopen")],
)
def test_no_route_shows_or_changes_what_is_not_there_for_somebody(world: World, token: str, word: str) -> None:
    owner = "dapa-all" if BY_WORD[word].ministry == "dapa" else "mnd-all"
    run = {"run_id": world.ids[word].run}
    before = world.server.ask("GET", "/api/2.0/mlflow/runs/get", owner, params=run).text
    wrong = {}
    for route in CLOSED_TO_PUBLIC:
        answer = ask(world, route, token, word)
        said = answer.text + str(dict(answer.headers))
        leaked = {one for one in BY_WORD if one in said} - words_of(token)
        if leaked or answer.status_code >= 500:
            wrong[f"{route.method} {route.template}"] = f"{answer.status_code} {leaked} {answer.text[:200]}"
    assert wrong == {}
    assert word in before
    assert world.server.ask("GET", "/api/2.0/mlflow/runs/get", owner, params=run).text == before


def test_a_service_account_promotes_nothing(world: World) -> None:
    ids = world.ids["plainword"]
    path = "/api/2.0/mlflow/registered-models/alias"
    for token in (ROBOT, "mnd-all"):
        answer = world.server.ask(
            "POST", path, token, json={"name": ids.model, "alias": "production", "version": "1"}
        )
        assert answer.status_code == 403
        assert "approvals propose promotion" in answer.json()["message"]


def test_api_and_mlflow_are_one_application(world: World) -> None:
    root = world.server.address.removesuffix("/mlflow")
    headers = {"Authorization": "Bearer mnd-open"}
    answer = world.server.client.get(f"{root}/v1/me", headers=headers)
    assert answer.json()["id"] == PEOPLE["mnd-open"].id
    shown = world.server.ask("GET", "/version", "mnd-open").headers
    assert (shown.get_list("x-frame-options"), shown.get_list("referrer-policy")) == (
        ["SAMEORIGIN"],
        ["no-referrer"],
    )
    for path in ("/mlflow/../v1/me", "/v1/../mlflow/version", "//v1/me", "/mlflow//v1/me"):
        found = world.server.client.get(f"{root}{path}")
        assert found.status_code in (401, 404)
    both = [("Authorization", "Bearer dapa-all"), ("Authorization", "Bearer mnd-all")]
    for url in (f"{root}/v1/me", f"{world.server.address}/version"):
        assert world.server.client.get(url, headers=both).status_code == 401
