"""What the row filter costs: MLflow's routes as ``bongsu serve`` mounts them, and as MLflow serves them itself.

    python tests/bench/bench_row_filter.py [--runs 12000] [--versions 200] [--rounds 20]

Two servers, each a process, on one database of PostgreSQL with the same rows; each route is asked in turns. With the
filter an answer also waits for who asks, for what they are permitted, and for the record of what is labelled S and they
read, which is written for good (see the disk's time). Beside reads there are one write, ten figures of a run, and one
download of a file. Of the rows, 60 of 100 are labelled O, 30 S and 10 C; the asker
is cleared for S, so MLflow itself answers with a tenth more. Prints medians in milliseconds and their ratio.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "support"))

import httpx
from bare_mlflow import bare_mlflow
from engineer_everywhere import seed_people
from loopback_issuer import running_issuer
from measured_server import started
from mlflow_rows import Filled, fill_mlflow
from postgres_server import running_server

from bongsu.service.mlflow_mount import FILES

MINISTRY = "mnd"
A2 = "/api/2.0/mlflow"
FIGURES = 10
FILE, FILE_MIB = "weights.bin", 4
_STEPS = itertools.count(1)


@dataclass(frozen=True)
class Question:
    """A request below MLflow's address; ``paged``: its second page is asked for, by the token of the first; ``logs``:
    its body is of figures, each time of another step."""

    name: str
    method: str
    path: str
    query: dict[str, Any] | None = None
    body: dict[str, Any] | None = None
    paged: bool = False
    logs: bool = False


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=12_000)
    parser.add_argument("--versions", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    with ExitStack() as undo:
        home = Path(undo.enter_context(tempfile.TemporaryDirectory()))
        server = undo.enter_context(running_server(careless=False))
        provider = undo.enter_context(running_issuer())
        database, rows = server.new_database(), server.new_database(migrated=False)
        seed_people(database, provider.url, [MINISTRY])
        governed = undo.enter_context(started(home, (database, rows), provider, given.runs))
        filled = fill_mlflow(rows, MINISTRY, given.runs, given.versions)
        _log_files(home / FILES / filled.files)
        address = undo.enter_context(bare_mlflow(home, rows, home / FILES)).address
        print(f"{given.runs} runs, {given.versions} versions, median of {given.rounds} rounds;", end=" ")
        print(f"the disk writes a page for good in {_disk():.1f} ms")
        headers = {"X-MLFLOW-WORKSPACE": MINISTRY}
        options: dict[str, Any] = {"timeout": 60, "trust_env": False}
        with_it = httpx.Client(base_url=f"{governed.http}/mlflow", headers=headers | governed.headers, **options)
        without = httpx.Client(base_url=address, headers=headers, **options)
        with with_it, without:
            try:
                for question in _questions(filled, _own_run(with_it)):
                    _compare(question, with_it, without, given.rounds)
            except RuntimeError:
                print((home / "server.log").read_text()[-4000:])
                raise


def _compare(question: Question, with_it: httpx.Client, without: httpx.Client, rounds: int) -> None:
    taken: tuple[list[float], list[float]] = [], []
    asked = [(client, _second_page(client, question)) for client in (with_it, without)]
    for number in range(rounds + 1):
        for (client, body), found in zip(asked, taken, strict=True):
            given = _figures(body) if question.logs else body
            began = time.perf_counter()
            _ask(client, question, given)
            if number:  # the first one finds nothing prepared
                found.append((time.perf_counter() - began) * 1000)
    a, b = map(statistics.median, taken)
    print(f"  {question.name:32} with {a:7.1f} ms   without {b:7.1f} ms   ratio {a / b:5.2f}", flush=True)


def _second_page(client: httpx.Client, question: Question) -> dict[str, Any] | None:
    if not question.paged:
        return question.body
    token = _ask(client, question, question.body).json()["next_page_token"]
    return (question.body or {}) | {"page_token": token}


def _ask(client: httpx.Client, question: Question, body: dict[str, Any] | None) -> httpx.Response:
    answer = client.request(question.method, question.path, params=question.query, json=body)
    if answer.status_code != 200 or (question.path == "/graphql" and answer.json().get("errors")):
        raise RuntimeError(f"{question.name}: {answer.status_code} {answer.text}")
    return answer


def _own_run(client: httpx.Client) -> str:
    """A run to which the asker may log: those that were filled in are the control plane's."""
    made = client.post(f"{A2}/experiments/create", json={"name": "own"}).raise_for_status().json()
    body = {"experiment_id": made["experiment_id"], "start_time": 1}
    answer = client.post(f"{A2}/runs/create", json=body).raise_for_status().json()
    return str(answer["run"]["info"]["run_id"])


def _figures(body: dict[str, Any] | None) -> dict[str, Any]:
    step = next(_STEPS)
    figures = [{"key": f"loss{n}", "value": 0.5, "timestamp": step, "step": step} for n in range(FIGURES)]
    return (body or {}) | {"metrics": figures}


def _questions(filled: Filled, own_run: str) -> Iterator[Question]:
    def runs(name: str, text: str = "", *order: str, number: int = 100, paged: bool = False) -> Question:
        body = {"experiment_ids": [filled.experiment], "filter": text, "order_by": order, "max_results": number}
        return Question(f"runs/search {name}", "POST", f"{A2}/runs/search", body=body, paged=paged)

    newest = "attributes.start_time DESC"
    run = {"run_id": filled.run}
    yield Question("version (the door alone)", "GET", "/version")
    yield Question("runs/get", "GET", f"{A2}/runs/get", run)
    yield runs("newest 100", "", newest)
    yield runs("newest, second page", "", newest, paged=True)
    yield runs("newest 1000", "", newest, number=1000)
    yield runs("by tag", "tags.colour = '3'")
    yield runs("by metric, ordered by one", "metrics.loss1 > 0.5", "metrics.loss2 DESC")
    yield Question("experiments/search", "POST", f"{A2}/experiments/search", body={"max_results": 100})
    yield Question("registered-models/search", "GET", f"{A2}/registered-models/search", {"max_results": 100})
    yield Question("model-versions/search", "GET", f"{A2}/model-versions/search", {"max_results": 100})
    named = {"filter": "name = 'model-1'"}
    yield Question("model-versions/search by name", "GET", f"{A2}/model-versions/search", named)
    yield Question("metrics/get-history", "GET", f"{A2}/metrics/get-history", run | {"metric_key": "loss0"})
    yield Question("artifacts/list", "GET", f"{A2}/artifacts/list", run)
    yield Question(
        f"download of {FILE_MIB} MiB", "GET", f"/api/2.0/mlflow-artifacts/artifacts/{filled.files}/{FILE}"
    )
    yield Question(
        f"runs/log-batch of {FIGURES}", "POST", f"{A2}/runs/log-batch", body={"run_id": own_run}, logs=True
    )
    shown = "data { tags { key value } params { key value } metrics { key value } }"
    text = f'{{ mlflowGetRun(input: {{runId: "{filled.run}"}}) {{ run {{ {shown} }} }} }}'
    yield Question("graphql a run", "POST", "/graphql", body={"query": text})


def _log_files(folder: Path) -> None:
    folder.mkdir(parents=True)
    for number in range(20):
        (folder / f"figure-{number}.txt").write_text("x")
    (folder / FILE).write_bytes(os.urandom(FILE_MIB * 2**20))


def _disk() -> float:
    """Median of what it takes to write 8 KiB for good, in milliseconds."""
    found = []
    with tempfile.TemporaryFile() as file:
        for _ in range(20):
            began = time.perf_counter()
            os.pwrite(file.fileno(), bytes(8192), 0)
            os.fsync(file.fileno())
            found.append((time.perf_counter() - began) * 1000)
    return statistics.median(found)


if __name__ == "__main__":
    main()
