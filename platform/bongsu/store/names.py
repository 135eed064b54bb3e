"""Names in the database of this machine, for shells that complete what is being typed.

Read with Python's own driver: importing SQLAlchemy takes longer than somebody who pressed Tab waits. Whatever stands in
the way (no database, a locked or damaged one, one of another version), there are no names.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

# More than anybody looks through.
MOST = 100
_WAIT_S = 0.1


def run_ids(database: Path) -> list[tuple[str, str]]:
    """Ids and pipelines of runs, newest first."""
    query = f"SELECT id, pipeline FROM runs ORDER BY created_at DESC, id DESC LIMIT {MOST}"
    return [(run, pipeline) for run, pipeline in _rows(database, query)]


def stage_ids(database: Path, run: str) -> list[str]:
    """Stages of a run, which is named by its id, the beginning of it, or ``latest``, in the plan's order."""
    found = [known for known, _pipeline in run_ids(database) if run == "latest" or known.startswith(run)]
    query = f"SELECT stage_id FROM stages WHERE run_id = ? ORDER BY position LIMIT {MOST}"
    return [row[0] for row in _rows(database, query, found[:1])] if found else []


def pipelines(database: Path) -> list[str]:
    return [row[0] for row in _rows(database, f"SELECT DISTINCT pipeline FROM runs ORDER BY pipeline LIMIT {MOST}")]


def model_versions(database: Path) -> list[tuple[str, int]]:
    """Name and version of registered models, of each the newest version first."""
    query = f"SELECT name, version FROM model_versions ORDER BY name, version DESC LIMIT {MOST}"
    return [(name, version) for name, version in _rows(database, query)]


def model_names(database: Path) -> list[str]:
    return [
        row[0] for row in _rows(database, f"SELECT DISTINCT name FROM model_versions ORDER BY name LIMIT {MOST}")
    ]


def grants(database: Path) -> list[str]:
    return [row[0] for row in _rows(database, f"SELECT id FROM grants ORDER BY id LIMIT {MOST}")]


def datasets(database: Path) -> list[str]:
    query = f"SELECT DISTINCT name FROM dataset_versions ORDER BY name LIMIT {MOST}"
    return [row[0] for row in _rows(database, query)]


def _rows(database: Path, query: str, values: Sequence[str] = ()) -> list[tuple[Any, ...]]:
    with contextlib.suppress(OSError, sqlite3.Error):
        if database.is_file():
            address = f"file:{quote(str(database.absolute()))}?mode=ro"
            with contextlib.closing(sqlite3.connect(address, timeout=_WAIT_S, uri=True)) as connection:
                return connection.execute(query, values).fetchall()
    return []
