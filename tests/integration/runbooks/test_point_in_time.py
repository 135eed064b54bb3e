"""docs/runbooks/point-in-time.md, followed word for word: both databases are as they were at a moment."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres_server import OWNER, PASSWORD, PostgresServer
from runbook_steps import Reader

from bongsu.store.database import check_database, open_database
from bongsu.store.people import Ministry, add_ministry, list_ministries

PAGE = "point-in-time.md"
KEPT_S = 60.0
MOMENT = "2026-11-29 09:30:00+00"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's, into which nobody else may look: PostgreSQL has a user of its own."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


def test_a_database_goes_back_to_a_moment(own_postgres: PostgresServer, folder: Path) -> None:
    wal, base = folder / "wal", folder / "base"
    wal.mkdir()
    own_postgres.take_over(wal)
    names = {
        "/srv/backup/wal": str(wal),
        "/srv/backup/base": str(base),
        "/var/lib/postgresql/15/main": str(own_postgres.data),
    }
    postgres = Reader(folder, names, environment(own_postgres))
    own_postgres.stop()
    own_postgres.configure(postgres.text(PAGE, "settings"))
    own_postgres.start()
    url = own_postgres.new_database()
    write(url, "at-base")
    assert postgres.follow(PAGE, "watched").split("|")[1].strip() == "0"
    postgres.follow(PAGE, "base")
    write(url, "before")
    ((moment,),) = own_postgres.execute("SELECT now()::text")
    time.sleep(0.1)
    write(url, "lost")
    kept(own_postgres, wal)

    own_postgres.stop()
    postgres.called({**names, MOMENT: moment}).follow(PAGE, "restore")
    own_postgres.take_over(own_postgres.data, wal)
    own_postgres.start()
    await_end_of_recovery(own_postgres)
    assert postgres.follow(PAGE, "done").strip().startswith("f")
    check_database(url)
    assert written(url) == ["at-base", "before"]
    write(url, "goes-on")
    own_postgres.restart()
    assert written(url) == ["at-base", "before", "goes-on"]
    shutil.rmtree(own_postgres.data.with_name("data.old"))


def environment(own_postgres: PostgresServer) -> dict[str, str]:
    host, _, port = own_postgres.address.partition(":")
    account = {"PGHOST": host, "PGPORT": port, "PGUSER": OWNER, "PGPASSWORD": PASSWORD, "PGDATABASE": "postgres"}
    (programs,) = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]
    return {**account, "PATH": os.pathsep.join([str(programs), os.environ["PATH"]])}


def write(url: str, name: str) -> None:
    database = open_database(url)
    with database.write() as connection:
        add_ministry(connection, Ministry(name, name, name, 0.0))
    database.close()


def written(url: str) -> list[str]:
    database = open_database(url)
    with database.read() as connection:
        found = [one.name for one in list_ministries(connection)]
    database.close()
    return found


def kept(own_postgres: PostgresServer, wal: Path) -> None:
    """The log up to here lies in its place."""
    ((current,),) = own_postgres.execute("SELECT pg_walfile_name(pg_switch_wal())")
    deadline = time.monotonic() + KEPT_S
    while not (wal / current).exists():
        assert time.monotonic() < deadline, own_postgres.execute("SELECT * FROM pg_stat_archiver")
        time.sleep(0.1)


def await_end_of_recovery(own_postgres: PostgresServer) -> None:
    deadline = time.monotonic() + KEPT_S
    while own_postgres.execute("SELECT pg_is_in_recovery()") == [(True,)]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
