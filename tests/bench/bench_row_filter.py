"""What the row filter costs: MLflow's own stores with it and without it, in turns, on the same rows.

    python tests/bench/bench_row_filter.py [--runs 12000] [--rounds 15] [--database sqlite|postgresql]

Of the runs, 60 of 100 are labelled O, 30 S and 10 C; the viewer is cleared for S. Each has five tags, parameters and
metrics. Prints medians in milliseconds, and how long the mount takes to start and what memory it has then.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from governed_postgres import postgres
from governed_world import OPEN, SECRET, settings
from starlette.types import Scope

from bongsu.domain.labels import Label
from bongsu.tracking.governed.mount import mount
from bongsu.tracking.governed.viewer import Acting, Denial, Housekeeping, Viewer, acting

EACH = 5
BATCH = 500
LABELS = (OPEN,) * 6 + (SECRET,) * 3 + (Label(grade="C"),)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        is_postgres = given.database == "postgresql"
        database = stack.enter_context(postgres()) if is_postgres else f"sqlite:///{home / 'mlflow.db'}"
        _bench(home, database, given.runs, given.rounds)


def _bench(home: Path, database: str, runs: int, rounds: int) -> None:
    began = time.monotonic()

    async def nobody(_: Scope) -> Denial:
        return Denial(401, "UNAUTHENTICATED", "Nobody asks here.")

    mount(settings(home, database), nobody)
    seconds = time.monotonic() - began
    import psutil

    print(f"{database.partition(':')[0]}, {runs} runs, median of {rounds} rounds")
    print(f"mount: started in {seconds:.1f} s, {psutil.Process().memory_info().rss / 2**20:.0f} MiB resident")
    from mlflow.server.handlers import _get_tracking_store
    from mlflow.utils.workspace_context import ServerWorkspaceContext

    from bongsu.tracking.governed.stores import ensure_workspaces, open_stores

    store, row_filter = _get_tracking_store(), open_stores(settings(home, database))
    ensure_workspaces(["mnd"])
    viewer = Viewer("mnd/seo", frozenset({"mnd"}), "mnd", SECRET, may_write=True)
    with ServerWorkspaceContext("mnd"):
        with acting(Housekeeping()):
            experiment = store.create_experiment("bench")
            ids = list(_fill(store, experiment, runs))
        for name, ask in _questions(store, experiment, ids):
            with_it, without = [], []
            for _ in range(rounds):
                with acting(Acting(viewer, "mnd")):
                    with_it.append(_timed(ask))
                row_filter.detach()
                without.append(_timed(ask))
                row_filter.attach()
            a, b = statistics.median(with_it), statistics.median(without)
            print(f"{name:32} with {a:8.1f} ms   without {b:8.1f} ms   ratio {a / b:5.2f}")


def _questions(store: Any, experiment: str, ids: list[str]) -> Iterator[tuple[str, Callable[[], Any]]]:
    def search(text: str = "", order: tuple[str, ...] = (), number: int = 100) -> Callable[[], Any]:
        return lambda: store.search_runs([experiment], text, 1, number, list(order))

    yield "get_run", lambda: store.get_run(ids[len(ids) // 2])
    yield "search_runs newest 100", search(order=("attributes.start_time DESC",))
    yield "search_runs by tag", search("tags.colour = '3'")
    yield "search_runs metric and order", search("metrics.loss1 > 0.5", ("metrics.loss2 DESC",))
    yield "search_runs newest 1000", search(order=("attributes.start_time DESC",), number=1000)
    yield "search_experiments", store.search_experiments
    yield "get_metric_history", lambda: store.get_metric_history(ids[0], "loss1")


def _timed(ask: Callable[[], Any]) -> float:
    gc.collect()  # what the other side left is not this one's
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1000


def _fill(store: Any, experiment: str, runs: int) -> Iterator[str]:
    """Rows as MLflow writes them, with their marks; returns ids of runs that the viewer may see."""
    from mlflow.store.tracking.dbmodels.models import SqlLatestMetric, SqlMetric, SqlParam, SqlRun, SqlTag
    from sqlalchemy import insert

    from bongsu.tracking.governed import marks
    from bongsu.tracking.governed.marks import Kind

    with store.engine.begin() as connection:
        scopes = [marks.scope_of(connection, "mnd", label) for label in LABELS]
        marks.put(connection, Kind.EXPERIMENT, experiment, scopes[0])
        for start in range(0, runs, BATCH):
            numbers = range(start, min(start + BATCH, runs))
            ids = {n: uuid.uuid4().hex for n in numbers}
            rows = [_row(experiment, n, run) for n, run in ids.items()]
            connection.execute(insert(SqlRun.__table__), rows)
            parts = [(n, run, i) for n, run in ids.items() for i in range(EACH)]
            tags = [{"run_uuid": r, "key": f"tag{i}" if i else "colour", "value": str(n % 10)} for n, r, i in parts]
            said = [
                {"run_uuid": run, "key": "bongsu.label", "value": str(LABELS[n % len(LABELS)])}
                for n, run in ids.items()
            ]
            connection.execute(insert(SqlTag.__table__), tags + said)
            params = [{"run_uuid": r, "key": f"p{i}", "value": str(n)} for n, r, i in parts]
            connection.execute(insert(SqlParam.__table__), params)
            figures = [
                {
                    "run_uuid": r,
                    "key": f"loss{i}",
                    "value": (n * 7 % 100) / 100,
                    "timestamp": n,
                    "step": 0,
                    "is_nan": False,
                }
                for n, r, i in parts
            ]
            connection.execute(insert(SqlMetric.__table__), figures)
            connection.execute(insert(SqlLatestMetric.__table__), figures)
            marked = [
                {"kind": Kind.RUN.value, "thing": run, "scope": scopes[n % len(scopes)], "sealed": True}
                for n, run in ids.items()
            ]
            connection.execute(insert(marks.marks), marked)
            yield from (run for n, run in ids.items() if SECRET.dominates(LABELS[n % len(LABELS)]))
    with store.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()


def _row(experiment: str, number: int, run: str) -> dict[str, Any]:
    return {
        "run_uuid": run,
        "name": f"run {number}",
        "source_type": "UNKNOWN",
        "source_name": "",
        "entry_point_name": "",
        "user_id": "mnd/seo",
        "status": "FINISHED",
        "start_time": number,
        "end_time": number + 1,
        "source_version": "",
        "lifecycle_stage": "active",
        "artifact_uri": f"mlflow-artifacts:/workspaces/mnd/{experiment}/{run}/artifacts",
        "experiment_id": int(experiment),
    }


if __name__ == "__main__":
    main()
