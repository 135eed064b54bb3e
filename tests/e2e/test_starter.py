"""What ``bongsu init`` writes runs as it is, from text to a registered version."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow_server import serving_pages
from test_command_line import Shell

BASE = Path(__file__).parents[2] / "pipelines" / "assets" / "axk1-nano"


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_starter_is_right_as_it_is_written(tmp_path: Path, language: str) -> None:
    shell = Shell(tmp_path)
    shell("init", "my.yaml", "--model", f"file:{BASE}", BONGSU_LANG=language)
    assert shell.json("validate", "my.yaml")[0]["warnings"] == []
    planned = shell.json("plan", "my.yaml")
    assert (planned["warnings"], planned["obstacles"], planned["skipped"]) == ([], [], [])


def test_the_starter_runs_to_a_registered_version_and_its_lineage(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell("init", "my.yaml", "--model", f"file:{BASE}")
    shell("run", "my.yaml", "--set", "steps=10", timeout_s=600)
    (version,) = shell.json("models")
    assert (version["name"], version["version"]) == ("first-pipeline", 1)
    assert "package:konlpy/konlpy/data/corpus" in shell("lineage", "first-pipeline@1").stdout
    home = shell.folder / "home"
    subprocess.run([sys.executable, "-m", "bongsu.service.delivering", str(home)], check=True, timeout=300)
    told = what_mlflow_knows(home)
    assert told["versions"] == ["1"]
    for path in home.glob("mlflow.db*"):
        path.unlink()
    (finding,) = (one for one in shell.json("doctor") if one["subject"] == "Database of MLflow")
    assert finding["level"] == "warning"
    assert what_mlflow_knows(home) == told, "it is written again from the records of the runs"


def what_mlflow_knows(home: Path) -> dict[str, list[str]]:
    """By a plain client of ``bongsu mlflow``."""
    with serving_pages(home, home.parent) as server, pytest.MonkeyPatch.context() as environment:
        server.answer("/health")
        environment.setenv("MLFLOW_TRACKING_TOKEN", server.key)
        client = MlflowClient(server.address, registry_uri=server.address)
        (experiment,) = client.search_experiments(filter_string="name = 'first-pipeline'")
        runs = client.search_runs([experiment.experiment_id])
        versions = client.search_model_versions("name = 'first-pipeline'")
    return {
        "runs": sorted(f"{run.data.tags['bongsu.key']} {run.data.metrics}" for run in runs),
        "versions": [str(version.version) for version in versions],
    }
