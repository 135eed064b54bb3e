"""What is told of other people's errors is one line, and our own words in it can be translated."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from bongsu.domain.codes import run as codes
from bongsu.domain.phrases import in_words
from bongsu.reconciler.words_of_errors import words_of

TABLE = "CREATE TABLE experiments (\n\texperiment_id INTEGER NOT NULL,\n\tname VARCHAR(256) NOT NULL\n)"


@pytest.fixture
def refused(tmp_path: Path) -> OperationalError:
    """What SQLAlchemy raises where a table cannot be made."""
    file = tmp_path / "mlflow.db"
    file.touch()
    engine = create_engine(f"sqlite:///file:{file}?mode=ro&uri=true")
    with pytest.raises(OperationalError) as caught, engine.begin() as connection:
        connection.execute(text(TABLE))
    return caught.value


def test_of_a_statement_that_failed_the_databases_own_sentence_is_kept(refused: OperationalError) -> None:
    assert "CREATE TABLE" in str(refused)
    assert words_of(refused) == "OperationalError: attempt to write a readonly database"


def test_so_it_is_where_another_error_quotes_it(refused: OperationalError) -> None:
    told = str(words_of(RuntimeError(str(refused))))
    assert told == "RuntimeError: (sqlite3.OperationalError) attempt to write a readonly database"


def test_a_long_text_of_many_lines_is_one_short_line() -> None:
    told = str(words_of(ConnectionError("it\n  is\ndown " + "x" * 5000)))
    assert told.startswith("ConnectionError: it is down xxx")
    assert "\n" not in told
    assert len(told) < 230


def test_an_error_of_ours_can_be_said_in_another_language() -> None:
    error = codes.DATABASE_BUSY.error(url="sqlite:///x", detail=str(sqlite3.OperationalError("database is locked")))
    words = words_of(error)
    assert "database is locked" in str(words)
    assert "run.database-busy" in str(words)
    assert "말" in in_words(words, lambda sentence: "말" if sentence == codes.DATABASE_BUSY.what else sentence)
