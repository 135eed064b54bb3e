"""A question to the store for itself, on both databases: it writes nothing, and takes no more than itself."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from postgres_server import PostgresServer
from sqlalchemy import Connection, insert, select, text

from bongsu.domain.problems import BongsuError
from bongsu.store.database import Database, open_database
from bongsu.store.schema_people import ministries
from bongsu.store.sqlite import only_queries

ROW = {"name": "mnd", "title_ko": "국방부", "title_en": "MND", "created_at": 0.0, "owns_gpus": False}


def _names(database: Database) -> list[str]:
    with database.ask() as connection:
        return list(connection.execute(select(ministries.c.name)).scalars())


def test_what_asks_cannot_write(database: Database) -> None:
    writing = [insert(ministries).values(**ROW), text("DELETE FROM runs"), text("CREATE TABLE strange (a int)")]
    for one in writing:
        with pytest.raises(BongsuError) as refused, database.ask() as connection:
            connection.execute(one)
        assert refused.value.problems[0].code.name == "run.database-read-only"
    assert _names(database) == []


def test_whoever_writes_with_the_same_connection_afterwards_may(database: Database) -> None:
    held = []
    for _ in range(3):  # one connection goes from hand to hand
        with database.ask() as connection:
            held.append(connection.connection.driver_connection)
            connection.execute(select(ministries.c.name)).all()
        with pytest.raises(BongsuError), database.ask() as connection:
            connection.execute(insert(ministries).values(**ROW))
        with database.write() as connection:
            held.append(connection.connection.driver_connection)
            connection.execute(insert(ministries).values(**ROW | {"name": f"m{len(held)}"}))
    assert len(set(map(id, held))) == 1
    assert sorted(_names(database)) == ["m2", "m4", "m6"]


def test_sqlite_takes_writes_again_after_a_question_that_failed(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'bongsu.db'}")
    with database.engine.connect() as connection:
        with pytest.raises(RuntimeError), only_queries(connection):
            raise RuntimeError
        connection.execute(insert(ministries).values(**ROW))
    assert _names(database) == ["mnd"]
    database.close()


def test_a_question_goes_to_the_server_once_and_back(postgres: PostgresServer) -> None:
    database = open_database(postgres.new_database())
    _names(database)  # what is asked once for a connection
    with database.ask() as connection:
        assert _trips(connection, lambda: connection.execute(select(ministries.c.name)).all()) == 1
        driver: Any = connection.connection.driver_connection
        assert driver.pgconn.transaction_status == 0, "nothing is left to end"
    database.close()


def _trips(connection: Connection, act: Any) -> int:
    """How often the client waits for the server (libpq's trace): after ``Sync`` or ``Query``."""
    driver: Any = connection.connection.driver_connection
    with tempfile.TemporaryFile() as file:
        driver.pgconn.trace(file.fileno())
        try:
            act()
        finally:
            driver.pgconn.untrace()
        file.seek(0)
        said = [line.split("\t") for line in file.read().decode().splitlines()]
    return sum(("F" in one) and ("Sync" in one or "Query" in one) for one in said)
