"""The schema: what migrations make, that they go up and down, and what an unusable database says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text
from store_places import RUN, open_at, submitted, with_attempt

import bongsu.store
from bongsu.domain.problems import BongsuError
from bongsu.reconciler.loading import load_facts
from bongsu.store.database import HEAD_REVISION, migrate
from bongsu.store.schemas import metadata

MIGRATIONS = Path(bongsu.store.__file__).parent / "migrations"


def test_the_migrated_schema_is_the_one_that_the_code_uses(tmp_path: Path) -> None:
    database = open_at(tmp_path)
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_indexes_and_constraints_have_the_names_that_the_code_gives_them(tmp_path: Path) -> None:
    migrated = inspect(open_at(tmp_path).engine)
    plain = create_engine(f"sqlite:///{tmp_path / 'plain.db'}")
    metadata.create_all(plain)
    made = inspect(plain)

    def named(rows: list[dict[str, object]]) -> set[tuple[object, str]]:
        return {(row["name"], str(row.get("column_names") or row.get("constrained_columns"))) for row in rows}

    for table in metadata.tables:
        assert named(migrated.get_indexes(table)) == named(made.get_indexes(table)), table
        assert named(migrated.get_unique_constraints(table)) == named(made.get_unique_constraints(table)), table
        assert named([migrated.get_pk_constraint(table)]) == named([made.get_pk_constraint(table)]), table
        assert named(migrated.get_foreign_keys(table)) == named(made.get_foreign_keys(table)), table


def test_the_newest_migration_is_the_one_that_the_code_asks_for() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD_REVISION


def test_every_migration_goes_down_and_up_again_with_rows_in_the_store(tmp_path: Path) -> None:
    database = open_at(tmp_path)
    submitted(database)
    with_attempt(database)
    with database.read() as connection:
        before = load_facts(connection, RUN)
    revisions = [one.revision for one in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
    for older in revisions[1:]:  # newest first
        migrate(database.engine, older)
        migrate(database.engine)
        with database.read() as connection:
            assert load_facts(connection, RUN) == before, f"down to {older} and up again"
    migrate(database.engine, "base")
    assert set(inspect(database.engine).get_table_names()) <= {"alembic_version"}
    migrate(database.engine)
    submitted(database)


def test_opening_again_keeps_what_is_there(tmp_path: Path) -> None:
    first = open_at(tmp_path)
    submitted(first)
    first.close()
    with open_at(tmp_path).read() as connection:
        assert load_facts(connection, RUN).run.id == RUN


def test_a_database_of_a_newer_bongsu_is_left_alone(tmp_path: Path) -> None:
    database = open_at(tmp_path)
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(BongsuError) as caught:
        open_at(tmp_path)
    assert caught.value.problems[0].code.name == "run.newer-database"


def test_a_file_that_is_no_database_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "bongsu.db").write_bytes(b"not a database, but long enough to be looked at " * 100)
    with pytest.raises(BongsuError) as caught:
        open_at(tmp_path)
    assert caught.value.problems[0].code.name == "run.database-damaged"


def test_of_processes_that_open_a_new_open_at_once_one_migrates(tmp_path: Path) -> None:
    code = f"from pathlib import Path; from store_places import open_at; open_at(Path({str(tmp_path)!r}))"
    support = str(Path(__file__).parents[2] / "support")
    # Nothing of the parent's environment is needed but the place of the modules.
    processes = [
        subprocess.Popen([sys.executable, "-c", code], env={"PYTHONPATH": support}, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    for process in processes:
        _, error = process.communicate(timeout=60)
        assert process.returncode == 0, error.decode()
    with open_at(tmp_path).engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
