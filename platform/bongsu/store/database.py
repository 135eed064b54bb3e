"""Opening the database: read-only where it has to be, checked, migrated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError

from bongsu.domain.codes import run as codes
from bongsu.domain.problems import BongsuError
from bongsu.store import sqlite
from bongsu.store.faults import code_of, explained
from bongsu.store.schemas import metadata

# The newest migration in ``migrations/versions``; a test compares the two.
HEAD_REVISION = "0011"
_VERSIONS = "alembic_version"


class Database:
    """One SQL database with the current schema.

    What disk and file do to it while it is used is raised as ``run.database-full``, ``-disk-error``, ``-read-only``,
    ``-busy``, ``-damaged`` or ``-unusable``.
    """

    def __init__(self, engine: Engine, *, read_only: bool = False) -> None:
        self.engine = engine
        self.read_only = read_only
        self._url = engine.url.render_as_string()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that commits at the end, or not at all."""
        if self.read_only:
            raise codes.DATABASE_READ_ONLY.error(url=self._url, detail="its file or directory may not be written")
        with explained(self._url), self.engine.begin() as connection:
            if self.engine.dialect.name == "sqlite":
                # Take the write lock at once: a transaction that upgrades later may fail with SQLITE_BUSY.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view; nothing is written."""
        with explained(self._url), self.engine.connect() as connection:
            if self.engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")
            yield connection
            connection.rollback()

    def close(self) -> None:
        self.engine.dispose()


def open_database(url: str, may_be_new: Callable[[], bool] = lambda: True) -> Database:
    """Open ``url`` (``sqlite:///path`` or ``postgresql+psycopg://...``), migrating it to the current schema.

    A SQLite file that may not be written is opened for reading alone.

    Args:
        url: of the database.
        may_be_new: asked when there are no tables; False if there must have been some, so that none are made.

    Raises:
        BongsuError: ``run.newer-database`` if a newer Bongsu wrote it; ``run.database-lost`` if it lost its tables;
            ``run.database-unusable`` or another code of :class:`Database` if it cannot be opened.
    """
    parsed = make_url(url)
    with _opening(parsed):
        path = sqlite.file_of(parsed)
        if path is not None:
            sqlite.refuse_other_than_file(path)
        if path is not None and path.exists() and not sqlite.can_be_written(path):
            return _open_for_reading(path)
        if path is not None and not path.exists() and not may_be_new():
            raise codes.DATABASE_LOST.error(url=parsed.render_as_string(), detail="the file is gone")
        engine = sqlite.writing_engine(parsed, path) if _is_sqlite(parsed) else create_engine(parsed)
        revision = _current_revision(engine, may_be_new)
        if revision != HEAD_REVISION:
            migrate(engine)
        return Database(engine)


def check_database(url: str, may_be_new: Callable[[], bool] = lambda: True) -> None:
    """Read all of a database and change nothing. Arguments and errors as of :func:`open_database`; besides,
    ``run.database-damaged`` for damage that only a look at everything finds, once for each row that cannot be read."""
    from bongsu.store.rows import unreadable_rows

    with open_for_reading(url) as connection:
        found = sqlite.damage(connection) if connection.dialect.name == "sqlite" else ""
        if found:
            raise codes.DATABASE_DAMAGED.error(url=make_url(url).render_as_string(), detail=found)
        if _current_revision(connection.engine, may_be_new) == HEAD_REVISION:
            problems = list(unreadable_rows(connection))
            if problems:
                raise BongsuError(problems)


def refuse_newer(url: str) -> None:
    """Raise ``run.newer-database`` if a newer Bongsu wrote it. Changes nothing."""
    with open_for_reading(url) as connection:
        revision = _revision_of(connection)
    if revision is not None and revision > HEAD_REVISION:
        detail = f"its schema is {revision}, and this one knows {HEAD_REVISION}"
        raise codes.NEWER_DATABASE.error(url=make_url(url).render_as_string(), detail=detail)


@contextmanager
def open_for_reading(url: str) -> Iterator[Connection]:
    """A connection that can change nothing, whatever the schema. Raises as :func:`open_database`."""
    parsed = make_url(url)
    with _opening(parsed):
        path = sqlite.file_of(parsed)
        if path is not None:
            sqlite.refuse_other_than_file(path)
        engine = sqlite.reading_engine(path) if path is not None else create_engine(parsed)
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()


@contextmanager
def _opening(url: URL) -> Iterator[None]:
    try:
        yield
    except (OSError, DatabaseError) as error:
        code = (code_of(error) if isinstance(error, DatabaseError) else None) or codes.DATABASE_UNUSABLE
        detail = str(getattr(error, "orig", None) or error)
        raise code.error(url=url.render_as_string(), detail=detail) from error


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _open_for_reading(path: Path) -> Database:
    database = Database(sqlite.reading_engine(path), read_only=True)
    revision = _current_revision(database.engine, lambda: False)
    if revision != HEAD_REVISION:
        detail = f"its schema is {revision} and has to become {HEAD_REVISION} first"
        raise codes.DATABASE_READ_ONLY.error(url=database.engine.url.render_as_string(), detail=detail)
    return database


def _current_revision(engine: Engine, may_be_new: Callable[[], bool]) -> str | None:
    """The schema's revision, by two small looks and without importing the migration tool; None if it is new.

    Raises ``run.database-lost`` if tables are missing that must have been there.
    """
    tables, revision = _look(engine)
    is_lost = revision is None and not may_be_new()
    if is_lost:  # unless another process made everything between the two looks
        tables, revision = _look(engine)
    ours = set(metadata.tables)
    missing = ours - tables if revision == HEAD_REVISION else set()
    if revision is None and (ours & tables or is_lost):
        missing = ours - tables or {_VERSIONS}
    if missing:
        named = ", ".join(sorted(missing)[:3]) + (", …" if len(missing) > 3 else "")
        detail = f"it lacks the tables {named}"
        raise codes.DATABASE_LOST.error(url=engine.url.render_as_string(), detail=detail)
    return revision


def _look(engine: Engine) -> tuple[set[str], str | None]:
    """Names of all tables, and the schema's revision."""
    with engine.connect() as connection:
        tables = set(inspect(connection).get_table_names())
        return tables, _revision_of(connection) if _VERSIONS in tables else None


def _revision_of(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_VERSIONS):
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
