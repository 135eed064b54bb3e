"""Fixtures: a migrated store on each kind of database that Bongsu runs on.

A test that takes ``database`` is run on SQLite and on a real PostgreSQL server, each time with an empty store of its
own. A module that needs one kind alone has a fixture of that name for itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from postgres_server import PostgresServer, running_server
from sqlalchemy import text
from store_places import store_at

from bongsu.store.database import Database, open_database
from bongsu.store.schemas import metadata

KINDS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server for all tests of this process; begun with the first that needs it."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresServer]:
    """A module's own, which it may stop, fill up or put back: nobody else uses it."""
    with running_server() as server:
        yield server


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A new one for each test."""
    with _opened(request, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module", params=KINDS)
def small_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One for a whole module, whose tests and examples empty it themselves."""
    with _opened(request, tmp_path_factory.mktemp("store")) as opened:
        yield opened


@contextmanager
def _opened(request: pytest.FixtureRequest, folder: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        opened = store_at(folder)
        yield opened
        opened.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with fresh_database(server) as opened:
        yield opened


@contextmanager
def fresh_database(server: PostgresServer) -> Iterator[Database]:
    """A migrated one on ``server``, gone afterwards."""
    url = server.new_database()
    opened = open_database(url)
    try:
        yield opened
    finally:
        opened.close()
        server.drop_database(url)


def count_rows(database: Database) -> dict[str, int]:
    """Of every table."""
    with database.read() as connection:
        return {
            name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in metadata.tables
        }
