"""MLflow's embedded database comes into being whole or not at all.

MLflow makes its tables one by one. A process that is killed meanwhile leaves some of them, and MLflow then fails for
ever, because it means to make them all and finds that some exist.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path

_SCHEME = "sqlite:///"
_AGAIN_S = 30.0


def ensure_database(uri: str, make: Callable[[str], None]) -> None:
    """See to it that the database at ``uri`` is whole, if that is a file of SQLite; else leave it alone.

    Args:
        uri: such as ``sqlite:////home/mlflow.db``.
        make: makes a whole database at the address that it is given, and lets go of it.

    Raises:
        OSError, sqlite3.Error: the disk does not let it be made or read.
    """
    path = path_of(uri)
    if path is None or is_whole(uri):
        return
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        make(f"{_SCHEME}{fresh}")
        _settle(fresh)
        for rest in _beside(path):
            rest.unlink(missing_ok=True)
        fresh.replace(path)
    finally:
        for rest in (fresh, *_beside(fresh)):
            rest.unlink(missing_ok=True)


def path_of(uri: str) -> Path | None:
    """The file of a database of SQLite; None for any other."""
    return Path(uri.removeprefix(_SCHEME)) if uri.startswith(_SCHEME) else None


def is_whole(uri: str) -> bool:
    """True unless the database is a file of SQLite that is not there, or was never made to its end.

    Raises:
        OSError, sqlite3.Error: the disk does not let it be read.
    """
    path = path_of(uri)
    return path is None or (path.exists() and not is_half_made(path))


def is_half_made(path: Path) -> bool:
    """True if its making never came to an end: the note of the schema's version is written last. Nothing can have been
    told to such a database."""
    with contextlib.closing(sqlite3.connect(path, timeout=_AGAIN_S)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "alembic_version" not in tables:
            return True
        (versions,) = connection.execute("SELECT count(*) FROM alembic_version").fetchone()
        return bool(versions == 0)


def _settle(path: Path) -> None:
    """Everything into the one file, and onto the disk."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _beside(path: Path) -> tuple[Path, ...]:
    return tuple(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))
