"""Requests that show something of one thing to whoever may see it: the same are the attacks of those who may not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from governed_ids import A2, A3, FILES, Ids
from governed_server import GovernedServer
from governed_world import BY_WORD
from httpx import Response

AJAX2, AJAX3 = A2.replace("/api/", "/ajax-api/"), A3.replace("/api/", "/ajax-api/")


@dataclass(frozen=True)
class Request:
    """Attributes:
    name: what is tried.
    shows: who may see the thing finds its word in the answer.
    """

    name: str
    method: str
    path: str
    params: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    shows: bool = True

    def send(self, server: GovernedServer, token: str | None, workspace: str | None = None) -> Response:
        headers = {} if workspace is None else {"X-MLFLOW-WORKSPACE": workspace}
        rest: dict[str, Any] = {} if self.body is None else {"json": self.body}
        return server.ask(self.method, self.path, token, params=self.params, headers=headers, **rest)


def reading(i: Ids) -> Iterator[Request]:
    """Everything that can be asked about a run, its model, its version and their files."""
    for name, api in (("api", A2), ("ajax", AJAX2)):
        yield Request(f"{name} get run", "GET", f"{api}/runs/get", {"run_id": i.run})
        yield Request(
            f"{name} experiment", "GET", f"{api}/experiments/get", {"experiment_id": i.experiment}, shows=False
        )
        yield Request(f"{name} search runs", "POST", f"{api}/runs/search", body={"experiment_ids": [i.experiment]})
        yield Request(f"{name} get model", "GET", f"{api}/logged-models/{i.logged_model}")
        yield Request(
            f"{name} search models", "POST", f"{api}/logged-models/search", body={"experiment_ids": [i.experiment]}
        )
        yield Request(
            f"{name} version", "GET", f"{api}/model-versions/get", {"name": i.model, "version": i.version}
        )
        yield Request(f"{name} search versions", "GET", f"{api}/model-versions/search", {"max_results": 100})
        yield Request(
            f"{name} metric history",
            "GET",
            f"{api}/metrics/get-history",
            {"run_id": i.run, "metric_key": f"quality.{i.word}"},
            shows=False,
        )
    yield from _searching(i)
    yield from _graphql(i)
    yield from _files(i)


def _searching(i: Ids) -> Iterator[Request]:
    runs, here = f"{A2}/runs/search", {"experiment_ids": [i.experiment]}
    yield Request("by metric", "POST", runs, body=here | {"filter": f"metrics.`quality.{i.word}` > 1"})
    yield Request("by parameter", "POST", runs, body=here | {"filter": f"params.said = '{i.word}'"})
    yield Request("by tag", "POST", runs, body=here | {"filter": "tags.`bongsu.label` LIKE '%'"})
    yield Request("by data set", "POST", runs, body=here | {"filter": f"dataset.name = 'corpus {i.word}'"})
    yield Request("by id", "POST", runs, body=here | {"filter": f"attributes.run_id = '{i.run}'"})
    yield Request("by name", "POST", runs, body=here | {"filter": f"attributes.run_name LIKE '%{i.word}%'"})
    yield Request("ordered by metric", "POST", runs, body=here | {"order_by": [f"metrics.`quality.{i.word}` DESC"]})
    yield Request("ordered by tag", "POST", runs, body=here | {"order_by": ["tags.`bongsu.label` ASC"]})
    yield Request("ordered by parameter", "POST", runs, body=here | {"order_by": ["params.said"]})
    yield Request("deleted too", "POST", runs, body=here | {"run_view_type": "ALL"})
    experiments = f"{A2}/experiments/search"
    yield Request("experiments", "POST", experiments, body={"max_results": 1000}, shows=False)
    yield Request("experiments by GET", "GET", experiments, {"max_results": 1000}, shows=False)
    yield Request(
        "experiment by name", "GET", f"{A2}/experiments/get-by-name", {"experiment_name": i.pipeline}, shows=False
    )
    yield Request("registered models", "GET", f"{A2}/registered-models/search", shows=False)
    yield Request("registered model", "GET", f"{A2}/registered-models/get", {"name": i.model}, shows=False)
    yield Request("latest", "GET", f"{A2}/registered-models/get-latest-versions", {"name": i.model}, shows=False)
    yield Request(
        "latest by POST", "POST", f"{A2}/registered-models/get-latest-versions", body={"name": i.model}, shows=False
    )
    alias = {"name": i.model, "alias": BY_WORD[i.word].alias}
    yield Request("by alias", "GET", f"{A2}/registered-models/alias", alias, shows=i.word != "ownword")
    versions = f"{A2}/model-versions/search"
    yield Request(
        "versions by run", "GET", versions, {"filter": f"name='{i.model}'", "order_by": "version_number ASC"}
    )
    yield Request("versions by tag", "GET", versions, {"filter": f"tags.said = '{i.word}'"})
    where = {"name": i.model, "version": i.version}
    yield Request("download address", "GET", f"{A2}/model-versions/get-download-uri", where, shows=False)
    yield Request(
        "data sets", "POST", f"{AJAX2}/experiments/search-datasets", body={"experiment_ids": [i.experiment]}
    )
    yield Request(
        "histories",
        "GET",
        f"{AJAX2}/metrics/get-history-bulk",
        {"run_id": i.run, "metric_key": "loss"},
        shows=False,
    )
    yield Request(
        "histories at intervals",
        "GET",
        f"{A2}/metrics/get-history-bulk-interval",
        {"run_ids": i.run, "metric_key": "loss", "max_results": 10},
        shows=False,
    )
    own = i.word == "ownword"
    yield Request("trace", "GET", f"{A3}/traces/{i.trace}", shows=own)
    yield Request("trace by query", "GET", f"{A3}/traces/get", {"trace_id": i.trace}, shows=own)
    yield Request("traces", "GET", f"{A3}/traces/batchGet", {"trace_ids": i.trace}, shows=own)
    yield Request("infos of traces", "POST", f"{A3}/traces/batchGetInfos", body={"trace_ids": [i.trace]}, shows=own)
    location = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": i.experiment}}
    yield Request("search traces", "POST", f"{A3}/traces/search", body={"locations": [location]}, shows=own)


def _graphql(i: Ids) -> Iterator[Request]:
    def query(name: str, text: str, shows: bool = True) -> Request:
        return Request(f"graphql {name}", "POST", "/graphql", body={"query": text}, shows=shows)

    data = "data { tags { key value } params { key value } metrics { key value } }"
    inputs = "inputs { datasetInputs { dataset { name digest source } } }"
    run, here = f'input: {{runId: "{i.run}"}}', json.dumps(i.experiment)
    through = "run { experiment { name tags { value } } modelVersions { name version description } }"
    found = "modelVersions { description tags { value } }"
    named = f"input: {{filter: \"name='{i.model}'\"}}"
    history = f'input: {{runIds: ["{i.run}"], metricKey: "quality.{i.word}", maxResults: 5}}'
    own = i.word == "ownword"
    yield query("run", f"{{ mlflowGetRun({run}) {{ run {{ {data} {inputs} }} }} }}")
    yield query("through run", f"{{ mlflowGetRun({run}) {{ {through} }} }}", shows=False)
    many = f"input: {{experimentIds: [{here}]}}"
    yield query("runs", f"{{ mlflowSearchRuns({many}) {{ runs {{ info {{ runName }} {data} }} }} }}")
    experiment = f"mlflowGetExperiment(input: {{experimentId: {here}}})"
    yield query("experiment", f"{{ {experiment} {{ experiment {{ name tags {{ value }} }} }} }}", shows=False)
    yield query("versions", f"{{ mlflowSearchModelVersions({named}) {{ {found} }} }}", shows=not own)
    yield query("files", f"{{ mlflowListArtifacts({run}) {{ rootUri files {{ path }} }} }}", shows=False)
    yield query(
        "data sets", f"mutation {{ mlflowSearchDatasets({many}) {{ datasetSummaries {{ name digest }} }} }}"
    )
    metrics = "metrics { key value }"
    yield query("history", f"{{ mlflowGetMetricHistoryBulkInterval({history}) {{ {metrics} }} }}", shows=False)


def _files(i: Ids) -> Iterator[Request]:
    own = i.word == "ownword"
    yield Request("files of run", "GET", f"{A2}/artifacts/list", {"run_id": i.run}, shows=False)
    yield Request(
        "files of model", "GET", f"{A2}/logged-models/{i.logged_model}/artifacts/directories", shows=False
    )
    yield Request("listing", "GET", FILES, {"path": i.place}, shows=False)
    yield Request("file", "GET", f"{FILES}/{i.file}")
    yield Request("file by ajax", "GET", f"{FILES.replace('/api/', '/ajax-api/')}/{i.file}")
    short = i.file.split("/", 2)[2]
    yield Request("file without workspace", "GET", f"{FILES}/{short}")
    yield Request("file of run", "GET", "/get-artifact", {"run_id": i.run, "path": "said.txt"}, shows=own)
    named = "said.txt" if own else "config.json"
    of_version = {"name": i.model, "version": i.version, "path": named}
    yield Request("file of version", "GET", "/model-versions/get-artifact", of_version)
    of_model = f"{AJAX2}/logged-models/{i.logged_model}/artifacts/files"
    yield Request("file of model", "GET", of_model, {"artifact_file_path": "config.json"}, shows=False)
    yield Request("file of trace", "GET", f"{AJAX3}/get-trace-artifact", {"request_id": i.trace}, shows=False)


def going_around(i: Ids) -> Iterator[Request]:
    """Paths and routes that nobody is to be served at, whoever they are."""
    parent, _, name = i.file.rpartition("/")
    for number, path in enumerate(
        (
            f"{parent}/%2e%2e/{parent.rpartition('/')[2]}/{name}",
            f"%2e%2e/{i.file}",
            f"..%2f{i.file}",
            f"..%252f{i.file}",
            f"x/%2e%2e/{i.file}",
            f"/{i.file}",
            f"%2e/{i.file}",
            f"{i.file}%00",
            i.file.replace("/", "%5c"),
            "workspaces",
            f"workspaces/{i.ministry}",
            f"workspaces/{i.ministry}/{i.experiment}",
            f"workspaces/{i.ministry}/bongsu/{i.model}",
            "../../etc/passwd",
            "%2fetc%2fpasswd",
        )
    ):
        yield Request(f"path {number}: {path}", "GET", f"{FILES}/{path}")
        yield Request(f"listing {number}: {path}", "GET", FILES, {"path": path})
    yield Request("two paths", "GET", f"{FILES}?path=workspaces%2Fmnd%2Fx&path={i.place}")
    yield Request("root", "GET", FILES)
    yield Request("path of a run that goes up", "GET", "/get-artifact", {"run_id": i.run, "path": "../../said.txt"})
    yield Request("deletion", "DELETE", f"{FILES}/{i.file}")
    yield Request("address", "GET", f"/api/2.0/mlflow-artifacts/presigned/{i.file}")
    yield Request(
        "parts", "POST", f"/api/2.0/mlflow-artifacts/mpu/create/{i.file}", body={"path": "x", "num_parts": 1}
    )
    yield Request("webhooks", "GET", f"{A2}/webhooks")
    yield Request("gateway", "GET", f"{A3}/gateway/secrets/list")
    yield Request("jobs", "POST", "/ajax-api/3.0/jobs/search", body={})
    yield Request("workspace", "POST", f"{A3}/workspaces", body={"name": "new"})
    yield Request(
        "alias", "POST", f"{A2}/registered-models/alias", body={"name": i.model, "alias": "a", "version": "1"}
    )
    yield Request("rename", "POST", f"{A2}/registered-models/rename", body={"name": i.model, "new_name": "b"})
    yield Request("delete version", "DELETE", f"{A2}/model-versions/delete", body={"name": i.model, "version": "1"})
    yield Request("delete experiment", "POST", f"{A2}/experiments/delete", body={"experiment_id": i.experiment})
    yield Request("graphql by GET", "GET", "/graphql", {"query": "{ test(inputString: 1) { output } }"})


def writing(i: Ids) -> Iterator[Request]:
    """Changes of a thing, and things that hang on it."""
    run, experiment, model = {"run_id": i.run}, {"experiment_id": i.experiment}, i.logged_model
    tag = {"key": "k", "value": "v"}
    metric = {"key": "loss", "value": 0.0, "timestamp": 1, "step": 9}
    yield Request("run in experiment", "POST", f"{A2}/runs/create", body=experiment)
    yield Request("model in experiment", "POST", f"{A2}/logged-models", body=experiment | {"name": "m"})
    yield Request("tag of experiment", "POST", f"{A2}/experiments/set-experiment-tag", body=experiment | tag)
    yield Request("tag", "POST", f"{A2}/runs/set-tag", body=run | tag)
    yield Request("no tag", "POST", f"{A2}/runs/delete-tag", body=run | {"key": "bongsu.label"})
    yield Request("metric", "POST", f"{A2}/runs/log-metric", body=run | metric)
    yield Request("batch", "POST", f"{A2}/runs/log-batch", body=run | {"metrics": [metric], "tags": [tag]})
    yield Request("parameter", "POST", f"{A2}/runs/log-parameter", body=run | tag)
    yield Request("end", "POST", f"{A2}/runs/update", body=run | {"status": "FAILED", "run_name": "x"})
    yield Request("deletion", "POST", f"{A2}/runs/delete", body=run)
    yield Request("restoring", "POST", f"{A2}/runs/restore", body=run)
    yield Request("output", "POST", f"{A2}/runs/outputs", body=run | {"models": [{"model_id": model, "step": 0}]})
    dataset = {"dataset": {"name": "n", "digest": "d", "source_type": "local", "source": "s"}}
    yield Request("input", "POST", f"{A2}/runs/log-inputs", body=run | {"datasets": [dataset]})
    yield Request("tags of model", "PATCH", f"{A2}/logged-models/{model}/tags", body={"tags": [tag]})
    yield Request("parameters of model", "POST", f"{A2}/logged-models/{model}/params", body={"params": [tag]})
    yield Request("no tag of model", "DELETE", f"{A2}/logged-models/{model}/tags/bongsu.label")
    yield Request(
        "end of model",
        "PATCH",
        f"{A2}/logged-models/{model}",
        body={"model_id": model, "status": "LOGGED_MODEL_READY"},
    )
    yield Request("deletion of model", "DELETE", f"{A2}/logged-models/{model}")
    version = {"name": i.model, "version": i.version}
    yield Request("tag of version", "POST", f"{A2}/model-versions/set-tag", body=version | tag)
    yield Request("text of version", "PATCH", f"{A2}/model-versions/update", body=version | {"description": "x"})
    yield Request("file", "PUT", f"{FILES}/{i.place}/new.txt", body="x")
    if i.word == "ownword":
        yield Request("tag of trace", "PATCH", f"{A3}/traces/{i.trace}/tags", body=tag)
        judged = {
            "assessment": {"assessment_name": "a", "feedback": {"value": 1}, "source": {"source_type": "HUMAN"}}
        }
        yield Request("assessment", "POST", f"{A3}/traces/{i.trace}/assessments", body=judged)
