"""A migrated store, and rows for it."""

from __future__ import annotations

import functools
import sqlite3
import tempfile
from pathlib import Path

from small_plans import plan_of, stage
from sqlalchemy import event

from bongsu.domain.ids import AttemptId, RunId, StageId
from bongsu.domain.plan import RunPlan
from bongsu.domain.run import StageState
from bongsu.store.attempts import request_attempt
from bongsu.store.database import Database, open_database
from bongsu.store.runs import create_run
from bongsu.store.stages import StageMove, move_stage

RUN = RunId("r-000000000001")
NOW = 1_700_000_000.0


def open_at(folder: Path) -> Database:
    """The store in ``folder``, migrated if it has to be."""
    return open_database(f"sqlite:///{folder / 'bongsu.db'}")


def store_at(folder: Path) -> Database:
    """A new one, quickly: what is committed is not waited for until the disk has it. That would be lost with the
    machine's power, which no test cuts; killed processes lose nothing of it."""
    (folder / "bongsu.db").write_bytes(empty_database())
    opened = open_at(folder)
    event.listen(opened.engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous=OFF"))
    opened.engine.dispose()  # with what was connected before
    return opened


@functools.cache
def empty_database() -> bytes:
    """A migrated database; migrating takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        open_at(Path(folder)).close()
        return (Path(folder) / "bongsu.db").read_bytes()


def chain() -> RunPlan:
    return plan_of(stage("a"), stage("b", "a"))


def submitted(database: Database, run_id: RunId = RUN, plan: RunPlan | None = None, now: float = NOW) -> RunId:
    """A run of two stages."""
    with database.write() as connection:
        create_run(connection, run_id, plan or chain(), now)
    return run_id


def with_attempt(database: Database, run_id: RunId = RUN) -> AttemptId:
    """Stage ``a`` of the run is under way."""
    attempt = AttemptId(run_id=run_id, stage_id=StageId("a"), number=1)
    with database.write() as connection:
        for old, new in ((StageState.WAITING, StageState.READY), (StageState.READY, StageState.RUNNING)):
            move_stage(connection, StageMove(run_id, StageId("a"), old, new, NOW))
        request_attempt(connection, attempt, NOW)
    return attempt


def drop_everything(path: Path) -> None:
    """Every table of the database at ``path``."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if not table.startswith("sqlite_"):
                connection.execute(f"DROP TABLE {table}")
    connection.close()


def empty(path: Path) -> None:
    """A file without a byte, as a full disk leaves it."""
    path.write_bytes(b"")
