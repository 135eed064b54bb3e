"""A database for MLflow's tables, of either kind, and modules that ask it in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from postgres_server import running_server


@contextmanager
def database_of(kind: str, home: Path) -> Iterator[str]:
    """The address of an empty database for MLflow, of ``sqlite`` or ``postgresql``; for a fixture, as
    :func:`postgres_server.running_server` is."""
    if kind == "sqlite":
        yield f"sqlite:///{home / 'mlflow.db'}"
        return
    with running_server() as server:
        yield server.new_database(migrated=False)


def told_by(script: str, kind: str, home: Path) -> dict[str, Any]:
    """What a module of this folder says in a process of its own, as JSON in its last line: MLflow's stores are one for
    each process."""
    with database_of(kind, home) as database:
        command = [sys.executable, str(Path(__file__).with_name(script)), str(home), database]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
