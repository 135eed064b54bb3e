"""Whether MLflow's embedded database can be told anything, without importing MLflow."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from bongsu.tracking.birth import path_of

# Another process that writes to it is done within this time, if all is well.
PATIENCE_S = 2.0


def trouble_of(uri: str) -> str:
    """What is in the way of writing to the database at ``uri``; empty if nothing is, or if that cannot be told.

    Args:
        uri: such as ``sqlite:////home/mlflow.db``. A database that is not there yet is no trouble: it will be made.
    """
    path = path_of(uri)
    if path is None or not path.exists():
        return ""
    try:
        return _look(path)
    except (OSError, sqlite3.Error) as error:
        return f"{path}: {error}"


def _look(path: Path) -> str:
    with contextlib.closing(sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None)) as connection:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            return f"{path}: {found}"
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    return ""
