"""Each change through MLflow is an entry of the log of the ministry whose it is, made before the change; what a
training writes without end is one entry an hour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from governed_ids import A2, A3, FILES, World
from governed_log import changes_of
from governed_server import UNRECORDABLE
from governed_world import PEOPLE

from bongsu.tracking.governed.routes import OPEN_ROUTES

TOKEN = "mnd-logistics"
WHO = PEOPLE[TOKEN]
LABEL = str(WHO.clearance)


@dataclass
class Made:
    """Things of somebody's own, and what they have done to them so far."""

    world: World
    experiment: str
    run: str
    place: str
    model: str
    name: str

    def ask(self, method: str, path: str, **rest: Any) -> Any:
        answer = self.world.server.ask(method, path, TOKEN, **rest)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json() if answer.text.startswith("{") else answer.text

    def new(self, do: Callable[[], object]) -> list[tuple[str, str, str]]:
        """Entries that something makes."""
        before = len(changes_of(self.world, WHO.id))
        do()
        found = changes_of(self.world, WHO.id)[before:]
        assert {entry["outcome"] for entry in found} <= {"done"}
        return [(entry["action"], entry["object"], entry["label"]) for entry in found]


@pytest.fixture
def made(world: World) -> Made:
    """A run under way, and a model of it."""
    some = Made(world, "", "", "", "", f"own-{uuid4().hex[:8]}")
    some.experiment = some.ask("POST", f"{A2}/experiments/create", json={"name": some.name})["experiment_id"]
    run = some.ask("POST", f"{A2}/runs/create", json={"experiment_id": some.experiment, "run_name": "mine"})["run"]
    some.run, some.place = run["info"]["run_id"], run["info"]["artifact_uri"]
    model = {"experiment_id": some.experiment, "name": "model", "source_run_id": some.run}
    some.model = some.ask("POST", f"{A2}/logged-models", json=model)["model"]["info"]["model_id"]
    return some


def trace_of(experiment: str, trace: str) -> dict[str, Any]:
    location = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
    info = {"trace_id": trace, "trace_location": location, "request_time": "2026-11-01T09:00:00Z", "state": "OK"}
    return {"trace": {"trace_info": info}}


def spans_of(trace: str) -> dict[str, Any]:
    when = {"startTimeUnixNano": "1793523600000000000", "endTimeUnixNano": "1793523600000000001"}
    span = {"traceId": trace.removeprefix("tr-"), "spanId": uuid4().hex[:16], "name": "span", **when}
    return {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}


def test_every_route_that_changes_something_makes_an_entry(made: Made) -> None:
    """One after the other, each of the routes."""
    run, model = {"run_id": made.run}, f"{A2}/logged-models/{made.model}"
    tag, other = {"key": "mlflow.user", "value": "somebody"}, {"key": "said", "value": "x"}
    experiment, version = {"experiment_id": made.experiment}, {"name": made.name, "version": "1"}
    trace, about = f"tr-{uuid4().hex}", {"name": made.name}
    metric = {"key": "loss", "value": 1.0, "timestamp": 1, "step": 0}
    data = {"name": "corpus", "digest": "d1", "source_type": "local", "source": "file:///x"}
    feedback = {"assessment_name": "judged", "source": {"source_type": "HUMAN"}, "feedback": {"value": "good"}}
    of_run = f"mlflow-run:{made.run}"
    of_model, of_trace = f"mlflow-model:{made.model}", f"mlflow-trace:{trace}"
    of_experiment, of_name = f"mlflow-experiment:{made.experiment}", f"model:{made.name}"
    judged: dict[str, str] = {}

    def assess() -> None:
        answer = made.ask("POST", f"{A3}/traces/{trace}/assessments", json={"assessment": feedback})
        judged["id"] = answer["assessment"]["assessment_id"]

    def judge(method: str, **rest: Any) -> None:
        made.ask(method, f"{A3}/traces/{trace}/assessments/{judged['id']}", **rest)

    def again() -> dict[str, Any]:
        return {
            "assessment": {"assessment_id": judged["id"], "trace_id": trace, "rationale": "x"},
            "update_mask": "rationale",
        }

    def post(path: str, **body: Any) -> Callable[[], object]:
        return lambda: made.ask("POST", f"{A2}/{path}", json=body)

    def logging() -> None:
        for path, body in (
            ("log-metric", metric),
            ("log-batch", {"metrics": [metric]}),
            ("log-parameter", other),
            ("log-inputs", {"datasets": [{"dataset": data}]}),
            ("outputs", {"models": [{"model_id": made.model, "step": 0}]}),
            ("set-tag", other),
            ("log-metric", metric | {"step": 1}),
        ):
            post(f"runs/{path}", **run, **body)()
        path = made.place.removeprefix("mlflow-artifacts:/")
        made.ask("PUT", f"{FILES}/{path}/a.txt", content=b"x")

    def tracing() -> None:
        made.ask("POST", f"{A3}/traces", json=trace_of(made.experiment, trace))
        headers = {"x-mlflow-experiment-id": made.experiment}
        made.ask("POST", "/v1/traces", json=spans_of(trace), headers=headers)
        made.ask("POST", f"{A3}/traces", json=trace_of(made.experiment, f"tr-{uuid4().hex}"))

    created: dict[str, str] = {}

    def create() -> None:
        created["id"] = post("experiments/create", name=f"{made.name}-2")()["experiment_id"]  # type: ignore[index]

    def by(method: str, path: str, **body: Any) -> Callable[[], object]:
        return lambda: made.ask(method, path, json=body)

    of_names, of_versions, of_tags = f"{A2}/registered-models", f"{A2}/model-versions", f"{A3}/traces/{trace}/tags"
    of_version = f"{of_name}/1"
    ready = {"model_id": made.model, "status": "LOGGED_MODEL_READY"}
    steps: list[tuple[Callable[[], object], list[tuple[str, str]]]] = [
        (create, [("experiment.create", "")]),
        (post("experiments/set-experiment-tag", **experiment, **other), [("experiment.tag", of_experiment)]),
        (post("experiments/delete-experiment-tag", **experiment, key="said"), [("experiment.untag", of_experiment)]),
        (logging, [("run.write", of_run)]),
        (post("runs/update", **run, status="FINISHED", end_time=1793523600000), [("run.update", of_run)]),
        (post("runs/set-tag", **run, **tag), [("run.tag", of_run)]),
        (post("runs/delete-tag", **run, key="said"), [("run.untag", of_run)]),
        (post("registered-models/create", **about), [("model.create", of_name)]),
        (post("registered-models/set-tag", **about, **other), [("model.tag", of_name)]),
        (by("DELETE", f"{of_names}/delete-tag", **about, key="said"), [("model.untag", of_name)]),
        (post("model-versions/create", **about, source=made.place, **run), [("version.create", of_version)]),
        (by("PATCH", f"{of_versions}/update", **version, description="x"), [("version.update", of_version)]),
        (post("model-versions/set-tag", **version, **other), [("version.tag", of_version)]),
        (by("DELETE", f"{of_versions}/delete-tag", **version, key="said"), [("version.untag", of_version)]),
        (by("POST", f"{model}/params", model_id=made.model, params=[other]), [("logged-model.write", of_model)]),
        (by("PATCH", f"{model}/tags", model_id=made.model, tags=[other]), [("logged-model.tag", of_model)]),
        (lambda: made.ask("DELETE", f"{model}/tags/said"), [("logged-model.untag", of_model)]),
        (by("PATCH", model, **ready), [("logged-model.update", of_model)]),
        (lambda: made.ask("DELETE", model), [("logged-model.delete", of_model)]),
        (tracing, [("trace.write", of_experiment)]),
        (by("PATCH", of_tags, **other), [("trace.tag", of_trace)]),
        (by("DELETE", of_tags, key="said"), [("trace.untag", of_trace)]),
        (assess, [("trace.assess", of_trace)]),
        (lambda: judge("PATCH", json=again()), [("trace.assess", of_trace)]),
        (lambda: judge("DELETE"), [("trace.unassess", of_trace)]),
        (by("PATCH", f"{A2}/traces/{trace}/tags", **other), [("trace.tag", of_trace)]),
        (by("DELETE", f"{A2}/traces/{trace}/tags", key="said"), [("trace.untag", of_trace)]),
        (post("traces/delete-traces", **experiment, request_ids=[trace]), [("trace.delete", of_experiment)]),
        (by("POST", f"{A3}/traces/delete-traces", **experiment, max_timestamp_millis=2**42),
         [("trace.delete", of_experiment)]),
        (post("runs/delete", **run), [("run.delete", of_run)]),
        (post("runs/restore", **run), [("run.restore", of_run)]),
    ]  # fmt: skip
    wrong = {}
    for do, expected in steps:
        found = made.new(do)
        wanted = [
            (f"mlflow.{deed}", thing or f"mlflow-experiment:{created['id']}", LABEL) for deed, thing in expected
        ]
        if sorted(found) != sorted(wanted):
            wrong[str(expected)] = found
    assert wrong == {}
    tried = {deed for _do, expected in steps for deed, _thing in expected} | {"run.create", "logged-model.create"}
    assert tried >= {route.deed for route in OPEN_ROUTES if route.deed} - {"file.write"}


def test_a_changed_tag_is_named_and_a_deleted_run_too(made: Made) -> None:
    update = {"run_id": made.run, "status": "FINISHED", "end_time": 1793523600000}
    made.ask("POST", f"{A2}/runs/update", json=update)
    made.ask("POST", f"{A2}/runs/set-tag", json={"run_id": made.run, "key": "mlflow.user", "value": "other"})
    made.ask("POST", f"{A2}/runs/delete", json={"run_id": made.run})
    ended, tagged, deleted = changes_of(made.world, WHO.id)[-3:]
    assert (ended["action"], ended["facts"]) == ("mlflow.run.update", {"fields": ["end_time", "status"]})
    assert (tagged["action"], tagged["facts"]) == ("mlflow.run.tag", {"tags": ["mlflow.user"]})
    assert (deleted["action"], deleted["facts"]["fields"]) == (
        "mlflow.run.delete",
        ["deleted_time", "lifecycle_stage"],
    )
    assert all(len(entry["request"]) == 32 for entry in (ended, tagged, deleted))


def test_a_thousand_figures_of_one_run_are_one_entry(made: Made) -> None:
    def log() -> None:
        for step in range(25):
            metric = {"run_id": made.run, "key": "loss", "value": 1.0, "timestamp": 1, "step": step}
            made.ask("POST", f"{A2}/runs/log-metric", json=metric)

    assert made.new(log) == [("mlflow.run.write", f"mlflow-run:{made.run}", LABEL)]
    assert made.new(log) == []


def test_what_cannot_be_recorded_is_not_changed(made: Made) -> None:
    headers = {"X-Request-Id": f"{UNRECORDABLE}-1"}
    path = made.place.removeprefix("mlflow-artifacts:/")
    tries: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", f"{A2}/runs/set-tag", {"json": {"run_id": made.run, "key": "lost", "value": "x"}}),
        ("POST", f"{A2}/runs/delete", {"json": {"run_id": made.run}}),
        ("POST", f"{A2}/experiments/create", {"json": {"name": f"{made.name}-lost"}}),
        ("PUT", f"{FILES}/{path}/lost.txt", {"content": b"x"}),
    ]
    for method, address, rest in tries:
        answer = made.world.server.ask(method, address, TOKEN, headers=headers, **rest)
        assert (answer.status_code, answer.json()["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE"), address
        assert "recorded" in answer.json()["message"]
        assert answer.headers["retry-after"] == "2"
    run = made.ask("GET", f"{A2}/runs/get", params={"run_id": made.run})["run"]
    assert run["info"]["lifecycle_stage"] == "active"
    assert "lost" not in {tag["key"] for tag in run["data"]["tags"]}
    named = {"experiment_name": f"{made.name}-lost"}
    assert made.world.server.ask("GET", f"{A2}/experiments/get-by-name", TOKEN, params=named).status_code == 404
    assert made.world.server.ask("GET", f"{FILES}/{path}/lost.txt", TOKEN).status_code == 404
    assert all(UNRECORDABLE not in entry["request"] for entry in changes_of(made.world, WHO.id))


def test_what_changes_nothing_makes_no_entry(made: Made) -> None:
    def look() -> None:
        made.ask("POST", f"{A2}/runs/search", json={"experiment_ids": [made.experiment]})
        gone = {"run_id": "0" * 32, "key": "said", "value": "x"}
        assert made.world.server.ask("POST", f"{A2}/runs/set-tag", TOKEN, json=gone).status_code == 404
        unlike = {"run_id": made.run, "key": "bongsu.label", "value": "O"}
        assert made.world.server.ask("POST", f"{A2}/runs/set-tag", TOKEN, json=unlike).status_code == 400
        twice = {"name": made.name}
        assert made.world.server.ask("POST", f"{A2}/experiments/create", TOKEN, json=twice).status_code == 400

    assert made.new(look) == []
