"""What opening MLflow's stores changes in a process is undone at the end, and where it fails."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

# In a process of its own: what is looked at is the whole process.
OPEN = """
import json, os, sqlite3, sys
from pathlib import Path
from bongsu.tracking.governed.publisher import open_publisher
from bongsu.tracking.governed.settings import GovernedSettings
home = Path(sys.argv[1])

def of(name):
    return GovernedSettings(f"sqlite:///{home / name}", home.as_uri(), None)

with sqlite3.connect(home / "foreign.db") as connection:
    connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    connection.execute("INSERT INTO alembic_version VALUES ('of another program')")
os.environ["MLFLOW_WORKSPACE"] = "somebodys"
before = dict(os.environ)
found = {"raised": []}
for _time in range(3):
    try:
        with open_publisher(of("foreign.db")):
            pass
    except Exception as error:
        found["raised"].append(type(error).__name__)

from mlflow.server import handlers, workspace_helpers
from mlflow.store.artifact.artifact_repository_registry import _artifact_repository_registry
from mlflow.store.tracking.dbmodels.models import SqlRun
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

def changed():
    hooks = ("do_orm_execute", "before_flush", "after_flush", "after_flush_postexec", "after_soft_rollback")
    return {
        "hooks": [len(getattr(Session.dispatch, name)._clslevel.get(Session, ())) for name in hooks],
        "cursors": len(Engine.dispatch.before_cursor_execute._clslevel.get(Engine, ())),
        "loads": len(list(SqlRun.__mapper__.class_manager.dispatch.load)),
        "stores": [one is not None for one in (
            handlers._tracking_store, handlers._model_registry_store, workspace_helpers._workspace_store)],
        "scheme": "bongsu-mount" in _artifact_repository_registry._registry,
        "variables": sorted(name for name in os.environ.keys() | before.keys()
            if os.environ.get(name) != before.get(name) and name.startswith(("_MLFLOW_SERVER", "MLFLOW_W"))),
    }

found["failed"] = changed()
with open_publisher(of("one.db")):
    found["open"] = changed()
    try:
        with open_publisher(of("two.db")):
            found["twice"] = "open"
    except RuntimeError as error:
        found["twice"] = str(error)
    found["still open"] = changed()
found["closed"] = changed()
with open_publisher(of("two.db")):
    found["again"] = changed()
    found["where"] = str(handlers._get_tracking_store().engine.url).rpartition("/")[2]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    command = [sys.executable, "-c", OPEN, str(tmp_path_factory.mktemp("opening"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_an_opening_that_fails_leaves_nothing(found: Any) -> None:
    assert len(found["raised"]) == 3
    assert found["failed"]["stores"] == [False, False, False]
    assert found["failed"] == found["closed"]


def test_each_hook_is_there_once_while_the_stores_are_open_and_not_after(found: Any) -> None:
    before, within = found["closed"], found["open"]
    assert within["hooks"] == [number + 1 for number in before["hooks"]]
    assert within["cursors"] == before["cursors"] + 1
    assert within["loads"] == before["loads"] + 1
    assert (within["stores"], within["scheme"], before["scheme"]) == ([True] * 3, True, False)
    assert found["again"] == within


def test_what_mlflow_is_told_through_the_environment_is_taken_back(found: Any) -> None:
    assert "_MLFLOW_SERVER_FILE_STORE" in found["open"]["variables"]
    assert "MLFLOW_WORKSPACE" in found["open"]["variables"]
    assert found["closed"]["variables"] == []


def test_stores_are_open_once_in_a_process_and_another_database_can_follow(found: Any) -> None:
    assert found["twice"] == "MLflow's stores are open in this process already"
    assert found["still open"] == found["open"]
    assert found["where"] == "two.db"
