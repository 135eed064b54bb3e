"""A disk that is full, gone or read-only, and a database that is held, damaged or emptied, are told by a code."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError
from store_places import RUN, chain, drop_everything, empty, open_at, store_at, submitted
from unprivileged import make_read_only, make_writable, run_unprivileged

from bongsu.domain.problems import BongsuError
from bongsu.store import sqlite
from bongsu.store.database import check_database, open_database
from bongsu.store.faults import code_of, explained
from bongsu.store.runs import get_run
from bongsu.store.schema_people import memberships
from bongsu.store.taken import Taken, add_new


def name_of(caught: pytest.ExceptionInfo[BongsuError]) -> str:
    return caught.value.problems[0].code.name


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "home"
    made.mkdir()
    yield made
    make_writable(made)


# -- while it is used ----------------------------------------------------------------------------------------------


def test_a_full_disk_is_told_as_such_and_nothing_is_written(folder: Path) -> None:
    database = store_at(folder)

    def write_a_lot() -> None:
        with database.write() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count=1")  # it is larger already, so it cannot grow
            for number in range(1000):
                row = {"id": f"{number}" * 50}
                connection.execute(text("INSERT INTO nodes VALUES ('', :id, 'x', :id, 'O', :id)"), row)

    with pytest.raises(BongsuError) as caught:
        write_a_lot()
    assert name_of(caught) == "run.database-full"
    database.close()
    with open_at(folder).read() as connection:
        assert connection.execute(text("SELECT count(*) FROM nodes")).scalar() == 0


def test_a_database_that_another_program_holds_is_told_as_such(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 50)
    database = store_at(folder)
    other = sqlite3.connect(folder / "bongsu.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(BongsuError) as caught:
        submitted(database)
    assert name_of(caught) == "run.database-busy"
    other.close()
    submitted(database)


def test_a_database_whose_pages_are_overwritten_is_told_as_such(folder: Path) -> None:
    database = store_at(folder)
    submitted(database)
    database.close()
    overwrite(folder / "bongsu.db")
    database = open_at(folder)
    with pytest.raises(BongsuError) as caught, database.read() as connection:
        get_run(connection, RUN)
    assert name_of(caught) == "run.database-damaged"


def overwrite(path: Path) -> None:
    """The page on which the table of runs begins."""
    with sqlite3.connect(path) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'runs'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (sqlite3.SQLITE_FULL, "run.database-full"),
        (sqlite3.SQLITE_IOERR_SHMSIZE, "run.database-full"),
        (sqlite3.SQLITE_IOERR_FSYNC, "run.database-disk-error"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "run.database-read-only"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "run.database-busy"),
        (sqlite3.SQLITE_CORRUPT_INDEX, "run.database-damaged"),
        (sqlite3.SQLITE_CANTOPEN, "run.database-unusable"),
        (sqlite3.SQLITE_ERROR, None),
    ],
)
def test_what_sqlite_says_has_a_code(number: int, expected: str | None) -> None:
    said = sqlite3.OperationalError("it says so")
    said.sqlite_errorcode = number
    code = code_of(OperationalError("INSERT", {}, said))
    assert (code.name if code else None) == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("53100", "run.database-full"),
        ("53200", "run.database-busy"),
        ("25006", "run.database-read-only"),
        ("40P01", "run.database-busy"),
        ("57P03", "run.database-unreachable"),
        ("57014", "run.database-busy"),
        ("XX002", "run.database-damaged"),
        ("42601", None),
    ],
)
def test_what_postgresql_says_has_a_code(state: str, expected: str | None) -> None:
    said = Exception("it says so")
    said.sqlstate = state  # type: ignore[attr-defined]
    code = code_of(DatabaseError("INSERT", {}, said))
    assert (code.name if code else None) == expected


def test_what_is_there_already_is_told_as_taken(folder: Path) -> None:
    database = store_at(folder)
    submitted(database)
    with pytest.raises(Taken, match="runs"):
        submitted(database)


def test_a_constraint_of_another_kind_stays_what_it_is(folder: Path) -> None:
    nobody = insert(memberships).values(person="mnd/nobody", ministry="mnd", role="engineer")
    with pytest.raises(IntegrityError), store_at(folder).write() as connection:
        add_new(connection, nobody)


def test_a_mistake_of_ours_stays_what_it_is(folder: Path) -> None:
    with pytest.raises(OperationalError), store_at(folder).read() as connection, explained("x"):
        connection.execute(text("SELECT nothing FROM nowhere"))


def test_a_file_that_is_no_database_is_told_as_such(folder: Path) -> None:
    (folder / "bongsu.db").write_bytes(b"not a database, but long enough to be looked at " * 100)
    with pytest.raises(BongsuError) as caught:
        open_at(folder)
    assert name_of(caught) == "run.database-damaged"


# -- tables that are gone ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spoil", [empty, drop_everything, Path.unlink])
def test_no_tables_are_made_where_there_must_have_been_some(folder: Path, spoil: object) -> None:
    store_at(folder).close()
    spoil(folder / "bongsu.db")  # type: ignore[operator]
    with pytest.raises(BongsuError) as caught:
        open_database(f"sqlite:///{folder / 'bongsu.db'}", may_be_new=lambda: False)
    assert name_of(caught) == "run.database-lost"
    submitted(open_at(folder))


@pytest.mark.parametrize("table", ["runs", "alembic_version"])
def test_a_single_table_that_is_missing_is_told(folder: Path, table: str) -> None:
    store_at(folder).close()
    with sqlite3.connect(folder / "bongsu.db") as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute(f"DROP TABLE {table}")
    connection.close()
    with pytest.raises(BongsuError) as caught:
        open_at(folder)
    assert name_of(caught) == "run.database-lost"
    assert table in str(caught.value)


# -- looking at everything -----------------------------------------------------------------------------------------


def test_a_sound_database_is_found_sound_and_is_not_changed(folder: Path) -> None:
    database = store_at(folder)
    submitted(database)
    database.close()
    before = (folder / "bongsu.db").read_bytes()
    check_database(f"sqlite:///{folder / 'bongsu.db'}")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"bongsu.db": before}


def garble_an_index(path: Path) -> None:
    """The kind of damage that only a look at everything finds."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'stages'").fetchone()[0]
        connection.execute("UPDATE sqlite_master SET rootpage = ? WHERE name = 'runs'", (page,))
    connection.close()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b"garbage " * 1000),
        overwrite,
        garble_an_index,
    ],
)
def test_damage_is_found(folder: Path, spoil: object) -> None:
    database = store_at(folder)
    submitted(database)
    database.close()
    spoil(folder / "bongsu.db")  # type: ignore[operator]
    with pytest.raises(BongsuError) as caught:
        check_database(f"sqlite:///{folder / 'bongsu.db'}")
    assert name_of(caught) == "run.database-damaged"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_told_and_nobody_waits_for_it(folder: Path, make: Callable[[Path], None]) -> None:
    make(folder / "bongsu.db")
    for use in (open_database, check_database):
        with pytest.raises(BongsuError) as caught:
            use(f"sqlite:///{folder / 'bongsu.db'}")
        assert name_of(caught) == "run.database-unusable"
        assert "not a file" in str(caught.value)


# -- places that may not be written --------------------------------------------------------------------------------

READ = f"""
import sys
from pathlib import Path
from store_places import open_at
from bongsu.domain.problems import BongsuError
from bongsu.store.runs import get_run
database = open_at(Path(sys.argv[1]))
with database.read() as connection:
    print(get_run(connection, "{RUN}").pipeline)
try:
    with database.write():
        pass
except BongsuError as error:
    print(error.problems[0].code.name)
"""


def test_a_database_that_may_not_be_written_is_read_all_the_same(folder: Path) -> None:
    database = store_at(folder)
    submitted(database)
    database.close()
    make_read_only(folder)
    support = str(Path(__file__).parents[2] / "support")
    done = run_unprivileged(["-c", READ, str(folder)], folder, PYTHONPATH=support)
    assert done.stdout.split() == [chain().metadata.name, "run.database-read-only"], done.stderr


def test_one_that_was_being_written_when_its_place_became_read_only_is_read_too(folder: Path) -> None:
    database = store_at(folder)
    submitted(database)  # stays open, so what was written is in its log alone
    with database.read() as connection:
        assert get_run(connection, RUN).id == RUN
    assert (folder / "bongsu.db-wal").stat().st_size > 0
    make_read_only(folder)
    support = str(Path(__file__).parents[2] / "support")
    done = run_unprivileged(["-c", READ, str(folder)], folder, PYTHONPATH=support)
    assert done.stdout.split() == [chain().metadata.name, "run.database-read-only"], done.stderr
    database.close()


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_a_database_is_its_owners_alone_whatever_the_umask(folder: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        database = open_at(folder)
        submitted(database)
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
        database.close()
        (folder / "bongsu.db").chmod(0o644)
        open_at(folder)
        assert (folder / "bongsu.db").stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)
