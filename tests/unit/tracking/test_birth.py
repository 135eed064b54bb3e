"""MLflow's embedded database: whole, or not there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bongsu.tracking.birth import ensure_database


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


def whole(uri: str) -> None:
    execute(
        Path(uri.removeprefix("sqlite:///")),
        "CREATE TABLE runs (id INTEGER)",
        "CREATE TABLE alembic_version (version_num TEXT)",
        "INSERT INTO alembic_version VALUES ('abc')",
    )


def never(uri: str) -> None:
    raise AssertionError(f"nothing is to be made at {uri}")


def test_a_database_that_is_not_there_is_made_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    ensure_database(f"sqlite:///{tmp_path / 'mlflow.db'}", whole)
    assert tables(tmp_path / "mlflow.db") == {"runs", "alembic_version"}
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]
    ensure_database(f"sqlite:///{tmp_path / 'mlflow.db'}", never)


def test_who_is_interrupted_leaves_none(tmp_path: Path) -> None:
    def half(uri: str) -> None:
        execute(Path(uri.removeprefix("sqlite:///")), "CREATE TABLE runs (id INTEGER)")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ensure_database(f"sqlite:///{tmp_path / 'mlflow.db'}", half)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "statements",
    [
        (),
        ("CREATE TABLE jobs (id INTEGER)",),
        ("CREATE TABLE jobs (id INTEGER)", "CREATE TABLE alembic_version (version_num TEXT)"),
    ],
)
def test_one_that_was_left_half_made_is_made_anew(tmp_path: Path, statements: tuple[str, ...]) -> None:
    execute(tmp_path / "mlflow.db", *statements)
    ensure_database(f"sqlite:///{tmp_path / 'mlflow.db'}", whole)
    assert tables(tmp_path / "mlflow.db") == {"runs", "alembic_version"}


def test_a_server_is_left_alone() -> None:
    ensure_database("https://mlflow.example", never)
    ensure_database("postgresql://db/mlflow", never)
