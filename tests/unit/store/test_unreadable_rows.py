"""A row that holds what nobody wrote there is told as damage to the database, with its table and its run."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from grant_places import grant
from sqlalchemy import Connection
from store_places import NOW, RUN, store_at, submitted, with_attempt

from bongsu.domain.problems import BongsuError
from bongsu.store.attempts import attempts_of
from bongsu.store.database import check_database
from bongsu.store.grants import add_grant
from bongsu.store.history import events_of
from bongsu.store.runs import find_run, get_plan, list_runs
from bongsu.store.stages import stages_of


def change(folder: Path, statement: str) -> None:
    connection = sqlite3.connect(folder / "bongsu.db")
    with connection:
        connection.execute(statement)
    connection.close()


def events(connection: Connection) -> object:
    return events_of(connection, RUN)


READERS: dict[str, tuple[str, Callable[[Connection], object]]] = {
    "update runs set state='bogus'": ("runs", lambda connection: find_run(connection, RUN)),
    "update runs set state = 'bogus' ": ("runs", list_runs),
    "update runs set plan='{}'": ("runs", lambda connection: get_plan(connection, RUN)),
    "update runs set plan='no json'": ("runs", lambda connection: get_plan(connection, RUN)),
    "update stages set state='bogus'": ("stages", lambda connection: stages_of(connection, RUN)),
    "update stages set outputs='[]'": ("stages", lambda connection: stages_of(connection, RUN)),
    "update stages set metrics='{'": ("stages", lambda connection: stages_of(connection, RUN)),
    "update attempts set state='bogus'": ("attempts", lambda connection: attempts_of(connection, RUN)),
    "update attempts set failure='{}'": ("attempts", lambda connection: attempts_of(connection, RUN)),
}


@pytest.mark.parametrize("statement", READERS)
def test_it_is_told_where_it_is_read_and_where_everything_is(tmp_path: Path, statement: str) -> None:
    table, read = READERS[statement]
    database = store_at(tmp_path)
    submitted(database)
    with_attempt(database)
    check_database(f"sqlite:///{tmp_path / 'bongsu.db'}")
    change(tmp_path, statement)
    with database.read() as connection, pytest.raises(BongsuError) as caught:
        read(connection)
    with pytest.raises(BongsuError) as found:
        check_database(f"sqlite:///{tmp_path / 'bongsu.db'}")
    database.close()
    for error in (caught.value, found.value):
        (problem,) = error.problems
        assert (problem.code.name, problem.code.exit_code) == ("run.database-damaged", 8)
        assert f"the row of {RUN}" in problem.what()
        assert f"in the table {table} cannot be read" in problem.what()


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("update grants set use_classes='war'", "grants"),
        (
            "insert into grant_entries values"
            " ('nap-2026-mnd-01', 1, 'stolen', 's', 1, '', 0.0, null, null, null, '', '')",
            "grant_entries",
        ),
    ],
)
def test_a_damaged_grant_is_told_too(tmp_path: Path, statement: str, table: str) -> None:
    database = store_at(tmp_path)
    with database.write() as connection:
        add_grant(connection, grant(), NOW)
    database.close()
    check_database(f"sqlite:///{tmp_path / 'bongsu.db'}")
    change(tmp_path, statement)
    with pytest.raises(BongsuError) as found:
        check_database(f"sqlite:///{tmp_path / 'bongsu.db'}")
    (problem,) = found.value.problems
    assert f"in the table {table} cannot be read" in problem.what()
