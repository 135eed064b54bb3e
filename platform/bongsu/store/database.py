"""Opening the database: engine, pragmas, migrations."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError

from bongsu.domain.codes import run as codes

# The newest migration in ``migrations/versions``; a test compares the two.
HEAD_REVISION = "0002"
BUSY_TIMEOUT_MS = 30_000


class Database:
    """One SQL database with the current schema."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that commits at the end, or not at all."""
        with self.engine.begin() as connection:
            if self.engine.dialect.name == "sqlite":
                # Take the write lock at once: a transaction that upgrades later may fail with SQLITE_BUSY.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view; nothing is written."""
        with self.engine.connect() as connection:
            if self.engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")
            yield connection
            connection.rollback()

    def close(self) -> None:
        self.engine.dispose()


def open_database(url: str) -> Database:
    """Open ``url`` (``sqlite:///path`` or ``postgresql+psycopg://...``), migrating it to the current schema.

    Raises:
        BongsuError: ``run.newer-database`` if a newer Bongsu wrote it; ``run.database-unusable`` if it cannot be
            opened or is no database.
    """
    parsed = make_url(url)
    try:
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
        if _revision(engine) != HEAD_REVISION:
            migrate(engine)
    except (OSError, DatabaseError) as error:
        detail = str(getattr(error, "orig", None) or error)
        raise codes.DATABASE_UNUSABLE.error(url=parsed.render_as_string(), detail=detail) from error
    return Database(engine)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # Transactions are begun by Database, not by the driver.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    _use_write_ahead_log(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
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


def _revision(engine: Engine) -> str | None:
    """The schema's revision, by one look and without importing the migration tool."""
    with engine.connect() as connection:
        return _revision_of(connection)


def _revision_of(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def migrate(engine: Engine, revision: str = "head") -> None:
    """Bring the schema to ``revision``, up or down, in one transaction: all of it or nothing.

    Of several processes that open an old database at once, one migrates and the others find it done.

    Raises:
        BongsuError: ``run.newer-database``.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    target = HEAD_REVISION if revision == "head" else revision
    with Database(engine).write() as connection:
        current = _revision_of(connection)
        if current == target:
            return
        config.attributes["connection"] = connection
        down = current is not None and (target == "base" or target < current <= HEAD_REVISION)
        try:
            (command.downgrade if down else command.upgrade)(config, target)
        except CommandError as error:
            raise codes.NEWER_DATABASE.error(url=engine.url.render_as_string(), detail=str(error)) from error
