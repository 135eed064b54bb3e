"""What is in the way of telling MLflow's embedded database anything is found without MLflow."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bongsu.tracking import health
from bongsu.tracking.health import trouble_of


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE runs (id TEXT PRIMARY KEY)")
        connection.executemany("INSERT INTO runs VALUES (?)", [(f"run-{n:040}",) for n in range(2000)])
        connection.commit()
    return path


def test_a_sound_database_and_one_that_is_not_there_are_no_trouble(database: Path, tmp_path: Path) -> None:
    assert trouble_of(f"sqlite:///{database}") == ""
    assert trouble_of(f"sqlite:///{tmp_path / 'none.db'}") == ""
    assert not (tmp_path / "none.db").exists()
    assert trouble_of("postgresql://host/mlflow") == ""


@pytest.mark.parametrize("begin", [0, 5 * 4096], ids=["head", "page"])
def test_a_damaged_database_is_told(database: Path, begin: int) -> None:
    content = bytearray(database.read_bytes())
    content[begin : begin + 2048] = b"\xff" * 2048
    database.write_bytes(content)
    assert str(database) in trouble_of(f"sqlite:///{database}")


def test_a_database_that_somebody_holds_is_told(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE_S", 0.05)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "locked" in trouble_of(f"sqlite:///{database}")
    assert trouble_of(f"sqlite:///{database}") == ""
