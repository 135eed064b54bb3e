"""What the things of ``governed_world`` are called in one MLflow, and a run that a person logged there themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace

from governed_server import GovernedServer
from governed_world import LOGGED, TOLD, Told

A2, A3 = "/api/2.0/mlflow", "/api/3.0/mlflow"
FILES = "/api/2.0/mlflow-artifacts/artifacts"
OWNERS = {"mnd": "mnd-all", "dapa": "dapa-all"}
WRITER = "mnd-classified"
TRACE = "tr-0123456789abcdef0123456789abcdef"
NO_TRACE = "tr-" + "9" * 32


@dataclass(frozen=True)
class Ids:
    """Attributes:
    run: of an attempt, which has inputs and outputs; of a person's run that itself.
    place: the path of the model's files below MLflow's artifact root.
    file: the path of one of these files.
    """

    word: str
    ministry: str
    experiment: str
    pipeline: str
    run: str
    logged_model: str
    model: str
    version: str
    place: str
    file: str
    trace: str = NO_TRACE


@dataclass(frozen=True)
class World:
    """A server, its database, and what its things are called."""

    server: GovernedServer
    database: str
    ids: dict[str, Ids]


def find_ids(server: GovernedServer) -> dict[str, Ids]:
    """By word; logs the person's run on first use."""
    found = {told.word: _told(server, told) for told in TOLD}
    return found | {LOGGED.word: _logged(server)}


def _told(server: GovernedServer, told: Told) -> Ids:
    owner = OWNERS[told.ministry]
    named = server.ask("GET", f"{A2}/experiments/get-by-name", owner, params={"experiment_name": told.pipeline})
    experiment = named.json()["experiment"]["experiment_id"]
    asked = {"experiment_ids": [experiment], "filter": f"tags.`bongsu.key` = '{told.run_id}/adapt/1'"}
    run = server.ask("POST", f"{A2}/runs/search", owner, json=asked).json()["runs"][0]
    versions = server.ask("GET", f"{A2}/model-versions/search", owner, params={"filter": f"name='{told.model}'"})
    (version,) = [
        version
        for version in versions.json()["model_versions"]
        if {"key": "said", "value": told.word} in version["tags"]
    ]
    place = version["source"].removeprefix("mlflow-artifacts:/")
    return Ids(
        word=told.word,
        ministry=told.ministry,
        experiment=experiment,
        pipeline=told.pipeline,
        run=run["info"]["run_id"],
        logged_model=run["outputs"]["model_outputs"][0]["model_id"],
        model=told.model,
        version=version["version"],
        place=place,
        file=f"{place}/config.json",
    )


def _logged(server: GovernedServer) -> Ids:
    word, told = LOGGED.word, LOGGED
    named = server.ask("GET", f"{A2}/experiments/get-by-name", WRITER, params={"experiment_name": told.pipeline})
    if named.status_code != 200:
        _log(server)
        named = server.ask(
            "GET", f"{A2}/experiments/get-by-name", WRITER, params={"experiment_name": told.pipeline}
        )
    experiment = named.json()["experiment"]["experiment_id"]
    run = server.ask("POST", f"{A2}/runs/search", WRITER, json={"experiment_ids": [experiment]}).json()["runs"][0]
    version = server.ask(
        "GET", f"{A2}/model-versions/get", WRITER, params={"name": told.model, "version": "1"}
    ).json()["model_version"]
    run_id = run["info"]["run_id"]
    place = f"workspaces/mnd/{experiment}/{run_id}/artifacts"
    return Ids(
        word,
        "mnd",
        experiment,
        told.pipeline,
        run_id,
        run["outputs"]["model_outputs"][0]["model_id"],
        told.model,
        version["version"],
        place,
        f"{place}/said.txt",
        TRACE,
    )


def _log(server: GovernedServer) -> None:
    word = LOGGED.word

    def post(path: str, body: dict[str, object]) -> dict[str, object]:
        answer = server.ask("POST", path, WRITER, json=body)
        assert answer.status_code == 200, (path, answer.text)
        return dict(answer.json())

    experiment = post(
        f"{A2}/experiments/create", {"name": LOGGED.pipeline, "tags": [{"key": "said", "value": word}]}
    )
    number = experiment["experiment_id"]
    tag = {"key": "said", "value": word}
    run = post(f"{A2}/runs/create", {"experiment_id": number, "run_name": f"run {word}", "tags": [tag]})["run"]
    info = run["info"]  # type: ignore[index]
    run_id = info["run_id"]
    metric = {"key": f"quality.{word}", "value": 1.5, "timestamp": 1, "step": 0}
    loss = {"key": "loss", "value": 4.5, "timestamp": 1, "step": 0}
    post(
        f"{A2}/runs/log-batch",
        {"run_id": run_id, "metrics": [metric, loss], "params": [{"key": "said", "value": word}]},
    )
    dataset = {"name": f"corpus {word}", "digest": word, "source_type": "local", "source": f"file:///{word}"}
    context = [{"key": "mlflow.data.context", "value": "tokens"}]
    post(f"{A2}/runs/log-inputs", {"run_id": run_id, "datasets": [{"dataset": dataset, "tags": context}]})
    model = post(
        f"{A2}/logged-models",
        {"experiment_id": number, "name": f"model {word}", "source_run_id": run_id, "tags": [tag]},
    )["model"]
    model_id = model["info"]["model_id"]  # type: ignore[index]
    post(f"{A2}/runs/outputs", {"run_id": run_id, "models": [{"model_id": model_id, "step": 0}]})
    path = f"workspaces/mnd/{number}/{run_id}/artifacts/said.txt"
    assert server.ask("PUT", f"{FILES}/{path}", WRITER, content=word.encode()).status_code == 200
    post(f"{A2}/registered-models/create", {"name": LOGGED.model, "tags": [tag]})
    post(
        f"{A2}/model-versions/create",
        {"name": LOGGED.model, "source": info["artifact_uri"], "run_id": run_id, "tags": [tag]},
    )
    location = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": number}}
    trace = {
        "trace_id": TRACE,
        "trace_location": location,
        "request_time": "2026-11-01T09:00:00Z",
        "state": "OK",
        "request_preview": word,
        "tags": {"said": word},
    }
    post(f"{A3}/traces", {"trace": {"trace_info": trace}})
    span = {
        "traceId": TRACE.removeprefix("tr-"),
        "spanId": "0123456789abcdef",
        "name": f"span {word}",
        "startTimeUnixNano": "1793523600000000000",
        "endTimeUnixNano": "1793523600000000001",
    }
    spans = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    answer = server.ask("POST", "/v1/traces", WRITER, json=spans, headers={"x-mlflow-experiment-id": str(number)})
    assert answer.status_code == 200, answer.text
    feedback = {
        "assessment_name": f"judged {word}",
        "source": {"source_type": "HUMAN", "source_id": "x"},
        "feedback": {"value": word},
        "trace_id": TRACE,
    }
    post(f"{A3}/traces/{TRACE}/assessments", {"assessment": feedback})


def nobodys(ids: Ids) -> Ids:
    """The same kinds of names, of things that never were."""

    def other(text: str) -> str:
        return "".join("0" if c in "123456789abcdef" else "1" if c == "0" else c for c in text)

    return replace(
        ids,
        experiment="987654",
        run=other(ids.run),
        logged_model=f"m-{other(ids.logged_model.removeprefix('m-'))}",
        model="no-such-model",
        trace="tr-" + "8" * 32,
    )
