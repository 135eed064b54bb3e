"""What the door itself lets through: names, workspaces, origins, sizes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
from governed_ids import WRITER, World
from governed_plane import NOBODY_YET, changing
from governed_world import LOGGED
from sqlalchemy import Table

from bongsu.store.schema_people import memberships, people

A2 = "/api/2.0/mlflow"
SEARCH = f"{A2}/experiments/search"


@pytest.mark.parametrize("path", ["/", "/health", "/static-files/favicon.ico"])
def test_pages_are_for_everybody(world: World, path: str) -> None:
    assert world.server.ask("GET", path).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic bW5kLWFsbDo="},
        {"Authorization": "mnd-all"},
    ],
)
def test_without_a_name_nothing_is_answered(world: World, headers: dict[str, str]) -> None:
    for path in ("/version", f"{A2}/experiments/search?max_results=1", "/no/such/route", "/graphql"):
        answer = world.server.ask("GET", path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("workspace", ["dapa", "default", "nothing", "MND", "../dapa", "mnd,dapa", "dapa;mnd"])
def test_a_workspace_of_others_is_as_one_that_is_not_there(world: World, workspace: str) -> None:
    answer = world.server.ask(
        "GET", SEARCH, "mnd-all", params={"max_results": 9}, headers={"X-MLFLOW-WORKSPACE": workspace}
    )
    never = world.server.ask(
        "GET", SEARCH, "mnd-all", params={"max_results": 9}, headers={"X-MLFLOW-WORKSPACE": "zz"}
    )
    assert (answer.status_code, answer.text) == (404, never.text)


def test_two_workspaces_at_once_are_none(world: World) -> None:
    both = [("Authorization", "Bearer mnd-all"), ("X-MLFLOW-WORKSPACE", "mnd"), ("X-MLFLOW-WORKSPACE", "dapa")]
    answer = world.server.client.get(f"{world.server.address}{SEARCH}", params={"max_results": 9}, headers=both)
    assert answer.status_code == 404


def test_who_acts_in_two_ministries_says_in_which(world: World) -> None:
    def pipelines(headers: dict[str, str]) -> set[str]:
        found = world.server.ask("GET", SEARCH, "both-all", params={"max_results": 100}, headers=headers).json()
        return {experiment["name"] for experiment in found["experiments"]}

    assert "secret-plan" in pipelines({})
    assert "secret-plan" not in pipelines({"X-MLFLOW-WORKSPACE": "dapa"})
    listed = world.server.ask("GET", "/api/3.0/mlflow/workspaces", "both-all").json()["workspaces"]
    assert [workspace["name"] for workspace in listed] == ["dapa", "mnd"]
    alone = world.server.ask("GET", "/api/3.0/mlflow/workspaces", "mnd-all").json()["workspaces"]
    assert [workspace["name"] for workspace in alone] == ["mnd"]
    assert world.server.ask("GET", "/api/3.0/mlflow/workspaces/dapa", "mnd-all").status_code == 404


@pytest.mark.parametrize("path", [f"{A2}/runs/search", "/graphql", f"{A2}/experiments/create"])
def test_a_page_of_another_site_changes_nothing(world: World, path: str) -> None:
    for origin in ("https://evil.example", "null", "http://localhost:1"):
        assert world.server.ask("POST", path, "mnd-all", json={}, headers={"Origin": origin}).status_code == 403
    own = {"Origin": world.server.address.removesuffix("/mlflow")}
    for headers, is_foreign in ((own, False), (own | {"Sec-Fetch-Site": "cross-site"}, True)):
        answer = world.server.ask("POST", f"{A2}/runs/search", "mnd-all", json={}, headers=headers)
        assert (answer.status_code == 403) == is_foreign
    answer = world.server.ask("POST", path, "mnd-all", json={}, headers={"Sec-Fetch-Site": "same-site"})
    assert (answer.status_code, answer.json()["error_code"]) == (403, "PERMISSION_DENIED")


def test_what_is_too_large_is_not_read(world: World) -> None:
    answer = world.server.ask("POST", f"{A2}/runs/search", "mnd-all", content=b"x" * (2**22 + 1))
    assert answer.status_code == 413

    def chunks() -> object:
        for _ in range(36):
            yield b"x" * 2**17

    assert world.server.ask("POST", f"{A2}/runs/search", "mnd-all", content=chunks()).status_code == 413


def test_what_mlflow_takes_may_be_larger_than_what_the_api_takes(world: World) -> None:
    """3 MB: more than a message of the API may have."""
    own = world.ids[LOGGED.word]
    address = f"/api/2.0/mlflow-artifacts/artifacts/{own.place}/large.bin"
    assert world.server.ask("PUT", address, WRITER, content=b"x" * 3_000_000).status_code == 200
    assert len(world.server.ask("GET", address, WRITER).content) == 3_000_000
    batch = {"run_id": own.run, "metrics": [], "padding": "x" * 3_000_000}
    assert world.server.ask("POST", f"{A2}/runs/log-batch", WRITER, json=batch).status_code == 200


@pytest.mark.parametrize(
    ("table", "values", "told"),
    [
        (people, {"disabled_at": 1.0}, (401, "UNAUTHENTICATED")),
        (memberships, {"role": "data-custodian"}, (403, "PERMISSION_DENIED")),
        (memberships, {"ministry": "dapa"}, (404, "RESOURCE_DOES_NOT_EXIST")),
        (people, {"clearance": "O"}, (404, "RESOURCE_DOES_NOT_EXIST")),
    ],
)
def test_of_a_file_it_counts_what_its_sender_may_once_it_is_there(
    world: World, table: Table, values: dict[str, object], told: tuple[int, str]
) -> None:
    address = f"/api/2.0/mlflow-artifacts/artifacts/{world.ids[LOGGED.word].place}/slow-{uuid4().hex}.bin"
    with changing(world.server.plane, WRITER, values, table) as change:

        def pieces() -> Iterator[bytes]:
            yield b"x" * 200_000
            time.sleep(0.3)  # the first of it is there
            change()
            yield b"y"

        answer = world.server.ask("PUT", address, WRITER, content=pieces())
    assert (answer.status_code, answer.json()["error_code"]) == told
    assert world.server.ask("GET", address, WRITER).status_code == 404, "nothing of it was kept"
    assert world.server.ask("PUT", address, WRITER, content=iter([b"x", b"y"])).status_code == 200


def test_who_is_not_let_in_is_told_what_mends_it(world: World) -> None:
    def told(token: str | None) -> str:
        return str(world.server.ask("GET", "/version", token).json()["message"])

    assert "MLFLOW_TRACKING_TOKEN" in told(None)
    assert "`bongsu login`" in told("nonsense")
    assert "no role" in told(NOBODY_YET)


def test_answers_are_not_kept_by_browsers(world: World) -> None:
    answer = world.server.ask("GET", SEARCH, "mnd-all", params={"max_results": 1})
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_what_mlflow_answers_runs_no_script(world: World) -> None:
    """A file that somebody logged may be a page; its scripts would ask in the name of whoever opens it."""
    answer = world.server.ask("GET", SEARCH, "mnd-all", params={"max_results": 1})
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    page = world.server.ask("GET", "/")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    own = world.server.address.removeprefix("http://") + "/static-files/"
    for kind in (f"script-src {own} 'unsafe-eval'", f"style-src {own} 'unsafe-inline'", f"worker-src {own} blob:"):
        assert f"; {kind};" in policy, "no script that stands in a page, and none that somebody logged"
    assert "http" not in policy
    assert "/v1/session" not in page.text, "nobody signs in to this server with a browser"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.mjs", "text/plain"),
        ("a.js", "text/plain"),
        ("a.css", "text/plain"),
        ("a.html", "text/plain"),
        ("a.xhtml", "application/octet-stream"),
        ("a.xml", "text/plain"),
        ("a.pdf", "application/octet-stream"),
        ("a.wasm", "application/octet-stream"),
        ("a.png", "image/png"),
        ("a.svg", "image/svg+xml"),
        ("a.json", "text/plain"),
        ("MLmodel", "text/plain"),
    ],
)
def test_a_logged_file_is_no_script_and_no_page(world: World, name: str, kind: str) -> None:
    own = world.ids[LOGGED.word]
    listed = f"/api/2.0/mlflow-artifacts/artifacts/{own.place}/{name}"
    assert world.server.ask("PUT", listed, WRITER, content=b"alert(1)").status_code == 200
    version = {"name": own.model, "version": own.version}
    for path, asked in (
        (listed, {}),
        ("/get-artifact", {"run_id": own.run, "path": name}),
        ("/model-versions/get-artifact", version | {"path": name}),
    ):
        answer = world.server.ask("GET", path, WRITER, params=asked)
        assert (answer.status_code, answer.content) == (200, b"alert(1)"), path
        assert answer.headers["content-type"].partition(";")[0] == kind, path
        assert answer.headers["content-disposition"].startswith("attachment"), path
        assert answer.headers["x-content-type-options"] == "nosniff", path


def test_who_only_looks_writes_nothing(world: World) -> None:
    assert world.server.ask("POST", f"{A2}/experiments/create", "mnd-reader", json={"name": "x"}).status_code == 403


def test_the_mount_takes_at_most_400_mebibytes(world: World) -> None:
    assert world.server.resident_mib < 400


def test_every_request_is_told_of_with_who_asked_and_what_became_of_it(world: World) -> None:
    run = world.ids["deepword"].run
    for token in ("mnd-open", "mnd-all", None):
        world.server.ask("GET", f"{A2}/runs/get", token, params={"run_id": run, "said": "noted"})
    there = {"X-MLFLOW-WORKSPACE": "dapa"}
    world.server.ask("GET", f"{A2}/runs/get", "mnd-all", params={"run_id": run, "said": "elsewhere"}, headers=there)
    expected = {
        f"mnd/oh mnd GET {A2}/runs/get run_id={run}&said=noted 404",
        f"mnd/ahn mnd GET {A2}/runs/get run_id={run}&said=noted 200",
        f"nobody - GET {A2}/runs/get run_id={run}&said=noted 401",
        f"mnd/ahn - GET {A2}/runs/get run_id={run}&said=elsewhere 404",
    }
    assert expected <= set((world.server.home / "visits.txt").read_text().splitlines()), "before the answer"


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "null",
        "{",
        '[{"query": "{ __typename }"}, {"query": "{ __typename }"}]',
        '{"query": null}',
        '{"query": ["{ __typename }"]}',
        '{"query": ""}',
        '{"query": "{ __typename }", "variables": 1}',
        '{"query": "{ __typename }", "operationName": {}}',
        '{"query": "' + "{" * 5000 + '"}',
        '{"query": "' + "{a" * 4000 + "}" * 4000 + '"}',
        '{"query": "{' + "a " * 20_000 + '}"}',
        "[" * 100_000,
    ],
    ids=lambda body: str(body)[:40],
)
def test_what_is_no_single_query_is_whoever_asks_fault(world: World, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = world.server.ask("POST", "/graphql", "mnd-all", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_one_query_is_answered_and_many_of_one_are_not(world: World) -> None:
    answer = world.server.ask("POST", "/graphql", "mnd-all", json={"query": "{ __typename }"})
    assert answer.json()["data"] == {"__typename": "Query"}
    many = " ".join(f"a{number}: __typename" for number in range(1500))
    refused = world.server.ask("POST", "/graphql", "mnd-all", json={"query": f"{{ {many} }}"})
    assert refused.json()["data"] is None
