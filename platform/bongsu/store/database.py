"""Opening the database: engine, pragmas, migrations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url

from bongsu.domain.codes import run as codes

# The newest migration in ``migrations/versions``; a test compares the two.
HEAD_REVISION = "0001"
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
        BongsuError: ``run.newer-database`` if a newer Bongsu wrote it.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    database = Database(engine)
    if _revision(engine) != HEAD_REVISION:
        migrate(engine)
    return database


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # Transactions are begun by Database, not by the driver.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _revision(engine: Engine) -> str | None:
    """The schema's revision, by one query and without importing the migration tool."""
    if not inspect(engine).has_table("alembic_version"):
        return None
    with engine.connect() as connection:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def migrate(engine: Engine, revision: str = "head") -> None:
    """Bring the schema to ``revision``, up or down."""
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        try:
            if revision == "base" or revision < (_revision(engine) or ""):
                command.downgrade(config, revision)
            else:
                command.upgrade(config, revision)
        except CommandError as error:
            raise codes.NEWER_DATABASE.error(url=engine.url.render_as_string(), detail=str(error)) from error
        connection.commit()
