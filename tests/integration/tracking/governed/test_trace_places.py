"""MLflow's server follows tags of a trace to its files: nobody has it read or delete anything else by them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from governed_ids import A2, A3, World
from httpx import Response

TOKEN, OTHER = "mnd-secret", "mnd-classified"
PLACE, SPANS, ARCHIVE = "mlflow.artifactLocation", "mlflow.trace.spansLocation", "mlflow.trace.archiveLocation"


@pytest.fixture
def experiment(world: World) -> str:
    made = world.server.ask("POST", f"{A2}/experiments/create", TOKEN, json={"name": f"places-{uuid4().hex[:8]}"})
    return str(made.json()["experiment_id"])


def _begin(world: World, experiment: str, tags: dict[str, str], token: str = TOKEN) -> tuple[str, Response]:
    trace = f"tr-{uuid4().hex}"
    location = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": experiment}}
    info: dict[str, Any] = {"trace_id": trace, "trace_location": location, "request_time": "2026-11-01T09:00:00Z"}
    body = {"trace": {"trace_info": info | {"state": "OK", "tags": tags}}}
    return trace, world.server.ask("POST", f"{A3}/traces", token, json=body)


def _places(world: World, experiment: str, outside: Path) -> list[str]:
    hidden, begun = _begin(world, experiment, {}, OTHER)
    assert begun.status_code == 200, begun.text
    return [
        outside.as_uri(),
        "https://elsewhere.example/traces",
        "s3://bucket/traces",
        f"mlflow-artifacts:/workspaces/mnd/{experiment}/traces/{hidden}/artifacts",
        f"mlflow-artifacts:/workspaces/mnd/{world.ids['secretword'].experiment}/{world.ids['secretword'].run}/artifacts",
        "bongsu-mount:/workspaces/mnd",
        "",
    ]


def test_a_trace_says_of_no_other_place_that_its_files_lie_there(
    world: World, experiment: str, tmp_path: Path
) -> None:
    (tmp_path / "traces.json").write_text('{"spans": "of somebody else"}')
    trace, begun = _begin(world, experiment, {})
    assert begun.status_code == 200, begun.text
    own = begun.json()["trace"]["trace_info"]["tags"][PLACE]
    for place in _places(world, experiment, tmp_path):
        for api in (A2, A3):
            path = f"{api}/traces/{trace}/tags"
            told = world.server.ask("PATCH", path, TOKEN, json={"key": PLACE, "value": place})
            assert (told.status_code, told.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), place
        _other, told = _begin(world, experiment, {PLACE: place})
        assert (told.status_code, told.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), place
    info = world.server.ask("GET", f"{A3}/traces/{trace}", TOKEN).json()["trace"]["trace_info"]
    assert info["tags"][PLACE] == own
    shown = world.server.ask("GET", "/ajax-api/2.0/mlflow/get-trace-artifact", TOKEN, params={"request_id": trace})
    assert shown.status_code == 404
    again = {"key": PLACE, "value": own}
    assert world.server.ask("PATCH", f"{A3}/traces/{trace}/tags", TOKEN, json=again).status_code == 200


def test_no_trace_says_that_it_is_archived(world: World, experiment: str, tmp_path: Path) -> None:
    archive = tmp_path / "traces.pb"
    archive.write_bytes(b"of somebody else")
    for tags in (
        {SPANS: "ARCHIVE_REPO", ARCHIVE: tmp_path.as_uri()},
        {ARCHIVE: tmp_path.as_uri()},
        {SPANS: "ARCHIVE_REPO"},
    ):
        trace, told = _begin(world, experiment, tags)
        assert (told.status_code, told.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), tags
        body = {"experiment_id": experiment, "request_ids": [trace]}
        deleted = world.server.ask("POST", f"{A2}/traces/delete-traces", TOKEN, json=body)
        assert (deleted.status_code, deleted.json()["traces_deleted"]) == (200, 0)
    assert archive.read_bytes() == b"of somebody else"
