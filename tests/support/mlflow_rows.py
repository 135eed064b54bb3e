"""Rows of MLflow as after years of work, with the marks by which the row filter knows them, in a database of
PostgreSQL whose tables a server has made."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from mlflow.store.model_registry.dbmodels.models import SqlModelVersion, SqlRegisteredModel
from mlflow.store.tracking.dbmodels.models import (
    SqlExperiment,
    SqlLatestMetric,
    SqlMetric,
    SqlParam,
    SqlRun,
    SqlTag,
)
from mlflow.store.workspace.dbmodels.models import SqlWorkspace
from sqlalchemy import Connection, create_engine, insert, update

from bongsu.domain.labels import Label
from bongsu.tracking.governed import marks
from bongsu.tracking.governed.marks import Kind

EACH = 5
"""Tags, parameters and metrics of a run."""
POINTS = 1000
"""In the history of the first metric of the first run."""
LABELS = (Label(),) * 6 + (Label(grade="S"),) * 3 + (Label(grade="C"),)
_BATCH = 500


@dataclass(frozen=True)
class Filled:
    """Attributes:
    experiment: MLflow's id of the one experiment.
    run: id of a run with a history and files, labelled O.
    files: where its files lie, below the directory of all files that people log.
    """

    experiment: str
    run: str
    files: str


def fill_mlflow(url: str, workspace: str, runs: int, versions: int) -> Filled:
    """``runs`` runs of an experiment, and ``versions`` versions of a tenth as many models, labelled in turn as
    :data:`LABELS`.

    Args:
        url: of MLflow's database, as SQLAlchemy writes it.
        workspace: of the ministry; made here.
        runs: how many.
        versions: how many.
    """
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(insert(SqlWorkspace.__table__).values(name=workspace))
        scopes = [marks.scope_of(connection, workspace, label) for label in LABELS]
        row = {"name": "bench", "workspace": workspace, "lifecycle_stage": "active", "creation_time": 1}
        made = connection.execute(insert(SqlExperiment.__table__).values(row | {"last_update_time": 1}))
        (experiment,) = made.inserted_primary_key
        place = f"mlflow-artifacts:/workspaces/{workspace}/{experiment}"
        connection.execute(update(SqlExperiment.__table__).values(artifact_location=place))
        _mark(connection, Kind.EXPERIMENT, {(str(experiment), scope) for scope in scopes})
        ids = [uuid.uuid4().hex for _ in range(runs)]
        for start in range(0, runs, _BATCH):
            _runs(connection, workspace, experiment, dict(enumerate(ids[start : start + _BATCH], start)), scopes)
        history = [_figure(ids[0], 0, 0.5, step) for step in range(1, POINTS)]
        connection.execute(insert(SqlMetric.__table__), history)
        _models(connection, workspace, versions, scopes)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
    engine.dispose()
    return Filled(str(experiment), ids[0], f"workspaces/{workspace}/{experiment}/{ids[0]}/artifacts")


def _runs(connection: Connection, workspace: str, experiment: int, ids: dict[int, str], scopes: list[int]) -> None:
    parts = [(n, run, i) for n, run in ids.items() for i in range(EACH)]
    labels = [{"run_uuid": run, "key": "bongsu.label", "value": str(_of(n))} for n, run in ids.items()]
    tags = [{"run_uuid": r, "key": f"tag{i}" if i else "colour", "value": str(n % 10)} for n, r, i in parts]
    figures = [_figure(r, i, (n * 7 % 100) / 100, 0) for n, r, i in parts]
    connection.execute(insert(SqlRun.__table__), [_run(workspace, experiment, n, run) for n, run in ids.items()])
    connection.execute(insert(SqlTag.__table__), tags + labels)
    connection.execute(
        insert(SqlParam.__table__), [{"run_uuid": r, "key": f"p{i}", "value": str(n)} for n, r, i in parts]
    )
    connection.execute(insert(SqlMetric.__table__), figures)
    connection.execute(insert(SqlLatestMetric.__table__), figures)
    _mark(connection, Kind.RUN, {(run, scopes[n % len(scopes)]) for n, run in ids.items()})


def _models(connection: Connection, workspace: str, versions: int, scopes: list[int]) -> None:
    at = {"workspace": workspace, "creation_time": 1, "last_updated_time": 1}
    names = [f"model-{number}" for number in range(max(1, versions // 10))]
    connection.execute(insert(SqlRegisteredModel.__table__), [at | {"name": name} for name in names])
    found = [(names[n % len(names)], n // len(names) + 1, n) for n in range(versions)]
    more = {"current_stage": "None", "status": "READY", "source": "mlflow-artifacts:/x", "user_id": "x"}
    rows = [at | more | {"name": name, "version": version} for name, version, _n in found]
    connection.execute(insert(SqlModelVersion.__table__), rows)
    _mark(connection, Kind.VERSION, {(f"{name}/{v}", scopes[n // 3 % len(scopes)]) for name, v, n in found})
    _mark(connection, Kind.MODEL, {(name, scopes[n // 3 % len(scopes)]) for name, _v, n in found})


def _mark(connection: Connection, kind: Kind, found: set[tuple[str, int]]) -> None:
    rows = [{"kind": kind.value, "thing": thing, "scope": scope, "sealed": True} for thing, scope in found]
    connection.execute(insert(marks.marks), rows)


def _of(number: int) -> Label:
    return LABELS[number % len(LABELS)]


def _figure(run: str, number: int, value: float, step: int) -> dict[str, Any]:
    at = {"run_uuid": run, "key": f"loss{number}", "timestamp": step, "step": step}
    return at | {"value": value, "is_nan": False}


def _run(workspace: str, experiment: int, number: int, run: str) -> dict[str, Any]:
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
        "artifact_uri": f"mlflow-artifacts:/workspaces/{workspace}/{experiment}/{run}/artifacts",
        "experiment_id": experiment,
    }
