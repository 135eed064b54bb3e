"""What is true of SQLite alone: pragmas, the write-ahead log, read-only files, the check of a whole file."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event

BUSY_TIMEOUT_MS = 30_000
# Besides the database: its write-ahead log, and the index of that.
_SUFFIXES = ("", "-wal", "-shm")


def file_of(url: URL) -> Path | None:
    """The database's file; None for another kind of database, or one in memory."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    return Path(url.database)


def refuse_other_than_file(path: Path) -> None:
    """Raises OSError for a directory, a pipe or a device, at which SQLite might wait for ever."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is not a file", str(path))


def writing_engine(url: URL, path: Path | None) -> Engine:
    """An engine over a file that is made if it is not there, for its owner alone whatever the umask says.

    Raises OSError.
    """
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT, 0o600))
        _close_to_others(path)
    engine = create_engine(url, hide_parameters=True)  # of what fails, a log has no content of runs
    event.listen(engine, "connect", _prepare)
    return engine


def reading_engine(path: Path) -> Engine:
    """An engine for a file that stands, and that need not be writable.

    In a read-only directory SQLite can make neither a write-ahead log nor its index. If there is none, nobody is
    writing, and it may take the file for immutable; if there is one, its index has to be there.
    """
    if can_be_written(path):
        mode = "mode=rw"
    elif path.with_name(path.name + "-wal").exists():
        mode = "mode=ro"
    else:
        mode = "mode=ro&immutable=1"
    uri = f"file:{quote(str(path.absolute()))}?{mode}"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, check_same_thread=False, isolation_level=None)

    return create_engine("sqlite:///" + str(path), creator=connect, hide_parameters=True)


def can_be_written(path: Path) -> bool:
    """True if the file, and the directory in which its log will be, let this process write."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


@contextlib.contextmanager
def only_queries(connection: Connection) -> Iterator[None]:
    """Whatever would write is refused meanwhile. Past SQLAlchemy, which takes longer than SQLite itself."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.execute("PRAGMA query_only=ON")
    try:
        yield
    finally:
        driver.execute("PRAGMA query_only=OFF")


def damage(connection: Connection) -> str:
    """What SQLite finds wrong when it reads the whole database; empty if it finds nothing."""
    rows = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check(3)")]
    return "" if rows == ["ok"] else "; ".join(rows)[:300]


def _close_to_others(path: Path) -> None:
    for suffix in _SUFFIXES:
        file = path.with_name(path.name + suffix)
        with contextlib.suppress(OSError):  # it is not there, or somebody else's
            if file.stat().st_mode & 0o077:
                file.chmod(0o600)


def _prepare(connection: Any, _record: Any) -> None:
    # Transactions are begun by Database, not by the driver.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    _use_write_ahead_log(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # Else INSERT OR REPLACE would delete rows of the audit log without its triggers.
    cursor.execute("PRAGMA recursive_triggers=ON")
    cursor.close()


def _use_write_ahead_log(cursor: Any) -> None:
    """SQLite does not wait for others when a new database changes its journal, so this does."""
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
