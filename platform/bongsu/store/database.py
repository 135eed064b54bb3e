"""Opening the database: read-only where it has to be, checked, migrated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from bongsu.domain.codes import run as codes
from bongsu.domain.problems import BongsuError
from bongsu.store import addresses, sqlite
from bongsu.store.addresses import is_sqlite, shown
from bongsu.store.faults import code_of, explained, said_by
from bongsu.store.schemas import metadata
from bongsu.store.scope import AT_HOME, EVERYTHING, LABELS, OPTION, Scope

# The newest migration in ``migrations/versions``; a test compares the two.
HEAD_REVISION = "0028"
_VERSIONS = "alembic_version"


class Database:
    """One SQL database with the current schema.

    What disk, file and server do to it while it is used is raised as ``run.database-full``, ``-disk-error``,
    ``-read-only``, ``-busy``, ``-damaged``, ``-unreachable``, ``-refused`` or ``-unusable``. Whether a transaction was
    written whose connection was lost while it was being written, nobody can tell: it is asked for again.
    """

    def __init__(self, engine: Engine, *, read_only: bool = False) -> None:
        self.engine = engine
        self.read_only = read_only
        self._url = shown(engine.url)
        self._is_sqlite = is_sqlite(engine.url)
        self._reading = engine if self._is_sqlite else _reading(engine)
        self._asking = engine if self._is_sqlite else _asking(engine)

    @contextmanager
    def write(self, scope: Scope = AT_HOME) -> Iterator[Connection]:
        """A transaction that commits at the end, or not at all; what there is in it, ``scope`` says. On PostgreSQL
        others write meanwhile, and each statement sees what they have committed (READ COMMITTED)."""
        if self.read_only:
            raise codes.DATABASE_READ_ONLY.error(url=self._url, detail="its file or directory may not be written")
        with explained(self._url), self.engine.begin() as connection:
            if self._is_sqlite:
                # Take the write lock at once: a transaction that upgrades later may fail with SQLITE_BUSY.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection.execution_options(**{OPTION: scope})

    @contextmanager
    def read(self, scope: Scope = AT_HOME) -> Iterator[Connection]:
        """A consistent view of what there is in ``scope``; nothing is written."""
        with explained(self._url), self._reading.connect() as connection:
            if self._is_sqlite:
                connection.exec_driver_sql("BEGIN")
            yield connection.execution_options(**{OPTION: scope, LABELS: {}})
            connection.rollback()

    @contextmanager
    def ask(self, scope: Scope = AT_HOME) -> Iterator[Connection]:
        """As :meth:`read`, where each statement is for itself: what none of them begins, none has to end. One that
        writes is refused with ``run.database-read-only``."""
        with explained(self._url), self._asking.connect() as connection:
            told = connection.execution_options(**{OPTION: scope, LABELS: {}})
            if not self._is_sqlite:
                yield told
                return
            with sqlite.only_queries(connection):
                yield told

    def is_current(self) -> bool:
        """True if the schema is this version's at this moment: another process may have migrated it, either way."""
        with self.read() as connection:
            return _revision_of(connection) == HEAD_REVISION

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
    parsed = addresses.parsed(url)
    with _opening(parsed):
        path = sqlite.file_of(parsed)
        if path is not None:
            sqlite.refuse_other_than_file(path)
        if path is not None and path.exists() and not sqlite.can_be_written(path):
            return _open_for_reading(path)
        if path is not None and not path.exists() and not may_be_new():
            raise codes.DATABASE_LOST.error(url=shown(parsed), detail="the file is gone")
        engine = sqlite.writing_engine(parsed, path) if is_sqlite(parsed) else _server_engine(parsed)
        revision = _current_revision(engine, may_be_new)
        if revision != HEAD_REVISION:
            migrate(engine)
        return Database(engine)


def check_database(url: str, may_be_new: Callable[[], bool] = lambda: True) -> None:
    """Read all of a database, of every tenant, and change nothing. Arguments and errors as of
    :func:`open_database`; besides, ``run.database-damaged`` for damage that only a look at everything
    finds, once for each row that cannot be read."""
    from bongsu.store.rows import unreadable_rows

    with open_for_reading(url) as connection:
        found = sqlite.damage(connection) if connection.dialect.name == "sqlite" else ""
        if found:
            raise codes.DATABASE_DAMAGED.error(url=shown(addresses.parsed(url)), detail=found)
        if _current_revision(connection.engine, may_be_new) == HEAD_REVISION:
            everything = connection.execution_options(**{OPTION: EVERYTHING, LABELS: {}})
            problems = list(unreadable_rows(everything))
            if problems:
                raise BongsuError(problems)


def revision_at(url: str) -> str | None:
    """Which schema a database has; None for an empty one, or a file that is not there. Raises as
    :func:`open_database`."""
    path = sqlite.file_of(addresses.parsed(url))
    if path is not None and not path.exists():
        return None
    with open_for_reading(url) as connection:
        return _revision_of(connection)


def revisions() -> tuple[str, ...]:
    """Schemas that this version knows, oldest first."""
    found = (Path(__file__).parent / "migrations" / "versions").glob("[0-9]*_*.py")
    return tuple(sorted(path.name.partition("_")[0] for path in found))


def migrate_at(url: str, revision: str) -> None:
    """:func:`migrate` what lies at ``url``. Raises as that and as :func:`open_database`."""
    parsed = addresses.parsed(url)
    with _opening(parsed):
        path = sqlite.file_of(parsed)
        if path is not None:
            sqlite.refuse_other_than_file(path)
        engine = sqlite.writing_engine(parsed, path) if is_sqlite(parsed) else _server_engine(parsed)
        try:
            migrate(engine, revision)
        finally:
            engine.dispose()


def refuse_newer(url: str) -> None:
    """Raise ``run.newer-database`` if a newer Bongsu wrote it. Changes nothing."""
    with open_for_reading(url) as connection:
        revision = _revision_of(connection)
    if revision is not None and revision > HEAD_REVISION:
        detail = f"its schema is {revision}, and this one knows {HEAD_REVISION}"
        raise codes.NEWER_DATABASE.error(url=shown(addresses.parsed(url)), detail=detail)


@contextmanager
def open_for_reading(url: str) -> Iterator[Connection]:
    """A connection that can change nothing, whatever the schema. Raises as :func:`open_database`."""
    parsed = addresses.parsed(url)
    with _opening(parsed):
        path = sqlite.file_of(parsed)
        if path is not None:
            sqlite.refuse_other_than_file(path)
        engine = sqlite.reading_engine(path) if path is not None else _reading(_server_engine(parsed))
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()


@contextmanager
def _opening(url: URL) -> Iterator[None]:
    try:
        yield
    except (OSError, DBAPIError) as error:
        code = (code_of(error) if isinstance(error, DBAPIError) else None) or codes.DATABASE_UNUSABLE
        detail = said_by(error) if isinstance(error, DBAPIError) else str(error)
        raise code.error(url=shown(url), detail=detail) from error


def _server_engine(url: URL) -> Engine:
    from bongsu.store.postgres import engine_of

    return engine_of(url)


def _reading(engine: Engine) -> Engine:
    from bongsu.store.postgres import READING

    return engine.execution_options(**READING)


def _asking(engine: Engine) -> Engine:
    from bongsu.store.postgres import AUTOCOMMIT

    return engine.execution_options(**AUTOCOMMIT)


def _open_for_reading(path: Path) -> Database:
    database = Database(sqlite.reading_engine(path), read_only=True)
    revision = _current_revision(database.engine, lambda: False)
    if revision != HEAD_REVISION:
        detail = f"its schema is {revision} and has to become {HEAD_REVISION} first"
        raise codes.DATABASE_READ_ONLY.error(url=shown(database.engine.url), detail=detail)
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
        raise codes.DATABASE_LOST.error(url=shown(engine.url), detail=detail)
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
        if not is_sqlite(engine.url):
            from bongsu.store.postgres import change_schema_alone

            change_schema_alone(connection)
        current = _revision_of(connection)
        if current == target:
            return
        config.attributes["connection"] = connection
        down = current is not None and (target == "base" or target < current <= HEAD_REVISION)
        try:
            (command.downgrade if down else command.upgrade)(config, target)
        except CommandError as error:
            raise codes.NEWER_DATABASE.error(url=shown(engine.url), detail=str(error)) from error
