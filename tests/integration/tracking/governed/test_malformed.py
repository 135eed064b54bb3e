"""Whatever is sent to MLflow's routes, what is wrong in it is whoever asks fault, in MLflow's own form."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from governed_ids import A2, World
from httpx import Response

from bongsu.tracking.governed.routes import OPEN_ROUTES, Access, Route

# Each route once: what is below `/api/` is served below `/ajax-api/` by the same functions.
_TEMPLATES = {(route.method, route.template) for route in OPEN_ROUTES}
ROUTES = [
    route
    for route in OPEN_ROUTES
    if route.access is not Access.PUBLIC
    and not route.takes_file
    and not (
        "/ajax-api/" in route.template
        and (route.method, route.template.replace("/ajax-api/", "/api/")) in _TEMPLATES
    )
]
FIELDS = re.findall(
    r"\w+",
    """run_id run_uuid run_ids experiment_id experiment_ids experiment_name name version model_id trace_id
    trace_ids request_id metric_key metrics params tags key value filter order_by
    max_results page_token path artifact_path artifact_file_path dataset datasets models trace assessment
    status description source timestamp step locations start_time end_time update_mask stages
    query variables""",
)


def _all(value: object, **others: object) -> bytes:
    return json.dumps(dict.fromkeys(FIELDS, value) | others).encode()


BODIES = {
    "no JSON": b'{"run_id": ',
    "no UTF-8": b'{"run_id": "\xff\xfe"}',
    "a list": b'[{"run_id": "x"}]',
    "a number": b"7",
    "a text": b'"{"',
    "nulls": _all(None),
    "texts": _all("x"),
    "numbers": _all(7),
    "huge numbers": _all(10**30),
    "no finite numbers": _all(1).replace(b": 1", b": 1e999"),
    "lists": _all([1, "x", {}]),
    "objects": _all({"x": {"y": 1}}),
    "NUL": _all("a\0b"),
    "half a character": _all("a").replace(b'"a"', b'"\\ud800"'),
    "nested": b"[" * 100_000,
    "nested objects": b'{"run_id":' * 50_000 + b"1" + b"}" * 50_000,
}
QUERIES = {
    "nothing": "",
    "texts": urlencode(dict.fromkeys(FIELDS, "x")),
    "huge numbers": urlencode(dict.fromkeys(FIELDS, "9" * 400)),
    "twice": urlencode([(name, value) for name in FIELDS for value in ("1", "x")]),
    "below zero": urlencode(dict.fromkeys(FIELDS, "-1")),
}


@pytest.fixture(scope="module")
def own(world: World) -> dict[str, Any]:
    """A run of their own, so that what is wrong is found behind what is right."""
    made = world.server.ask("POST", f"{A2}/experiments/create", "mnd-all", json={"name": "malformed"}).json()
    body = {"experiment_id": made["experiment_id"]}
    run = world.server.ask("POST", f"{A2}/runs/create", "mnd-all", json=body).json()["run"]["info"]["run_id"]
    return {"run_id": run, "experiment_id": made["experiment_id"], "experiment_ids": [made["experiment_id"]]}


def _path(route: Route, own: dict[str, Any]) -> str:
    values = {"workspace_name": "mnd", "trace_id": "tr-" + "4" * 32, "model_id": "m-" + "4" * 32}
    return re.sub(r"\{([^}]+)\}", lambda found: values.get(found[1], own["run_id"]), route.template)


def _wrong(answer: Response) -> str:
    """What is wrong with an answer, if anything is."""
    if answer.status_code < 400:
        return ""
    try:
        is_in_form = {"error_code", "message"} <= set(answer.json())
    except ValueError:
        is_in_form = False
    return "" if answer.status_code < 500 and is_in_form else f"{answer.status_code} {answer.text[:200]}"


def _try(world: World, own: dict[str, Any], bodies: dict[str, bytes]) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "x-mlflow-experiment-id": own["experiment_id"]}
    wrong = {}
    for route in ROUTES:
        for name, body in bodies.items() if route.method != "GET" else ():
            path = _path(route, own)
            found = _wrong(world.server.ask(route.method, path, "mnd-all", content=body, headers=headers))
            if found:
                wrong[f"{route.method} {route.template}: {name}"] = found
    return wrong


@pytest.mark.parametrize("name", BODIES)
def test_a_malformed_body_is_told_of_as_mlflow_tells_it(world: World, own: dict[str, Any], name: str) -> None:
    assert _try(world, own, {name: BODIES[name]}) == {}


@pytest.mark.parametrize("name", ["lists", "objects", "NUL", "huge numbers", "no finite numbers"])
def test_so_is_one_that_begins_well(world: World, own: dict[str, Any], name: str) -> None:
    named = {key: value for key, value in own.items() if key != "run_id" or name != "NUL"}
    body = json.loads(BODIES[name]) | named
    assert _try(world, own, {name: json.dumps(body).encode()}) == {}


@pytest.mark.parametrize(
    "filter_",
    [
        "1=1",
        "workspace = 'mnd'",
        "attributes.tags = 'x'",
        "attributes.metadata LIKE '%'",
        "run_uuid LIKE '%'",
        "creation_timestamp > x",
        "name IN (1",
        "name IN (x)",
        "metrics.loss IS NOT NULL",
        "name = 'x' AND",
        "(" * 1000,
    ],
)
def test_a_filter_that_is_none_is_told_of_as_mlflow_tells_it(
    world: World, own: dict[str, Any], filter_: str
) -> None:
    asked = {"experiment_ids": [own["experiment_id"]], "filter": filter_}
    wrong = {}
    for kind in ("runs", "experiments", "logged-models"):
        wrong[kind] = _wrong(world.server.ask("POST", f"{A2}/{kind}/search", "mnd-all", json=asked))
    for kind in ("model-versions", "registered-models", "experiments"):
        address = f"{A2}/{kind}/search"
        wrong[kind] = _wrong(world.server.ask("GET", address, "mnd-all", params={"filter": filter_}))
    assert {kind: found for kind, found in wrong.items() if found} == {}


@pytest.mark.parametrize("name", QUERIES)
def test_a_malformed_query_is_told_of_as_mlflow_tells_it(world: World, own: dict[str, Any], name: str) -> None:
    wrong = {}
    for route in ROUTES:
        if route.method == "GET":
            found = _wrong(world.server.ask("GET", f"{_path(route, own)}?{QUERIES[name]}", "mnd-all"))
            if found:
                wrong[route.template] = found
    assert wrong == {}
