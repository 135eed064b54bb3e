"""Which databases a server begins with: what replicas would not share is refused before anything is opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from bongsu.domain.problems import BongsuError
from bongsu.service.serving import ServerSettings, open_served
from bongsu.store.addresses import is_same, parsed

NOWHERE = "postgresql://bongsu:p%40ss-word@127.0.0.1:1/bongsu"


@pytest.mark.parametrize("mlflow", [True, False])
def test_with_postgresql_mlflows_rows_are_not_kept_in_a_file_unasked(tmp_path: Path, mlflow: bool) -> None:
    settings = ServerSettings(tmp_path / "home", database_url=NOWHERE, leads=False, mlflow=mlflow)
    with pytest.raises(BongsuError) as refused, open_served(settings, {}):
        pass
    (problem,) = refused.value.problems
    assert problem.code.name == "run.no-mlflow-database"
    assert "127.0.0.1:1/bongsu" in problem.what()
    assert "p%40ss-word" not in problem.what()
    assert "--mlflow-database" in problem.fix()
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("address", ["postgresql://bongsu@127.0.0.1:1/mlflow", "sqlite:///{folder}/mlflow.db"])
def test_one_that_is_named_will_do_a_file_too(tmp_path: Path, address: str) -> None:
    named = address.format(folder=tmp_path)
    settings = ServerSettings(tmp_path / "home", database_url=NOWHERE, leads=False, mlflow_database_url=named)
    with pytest.raises(BongsuError, match=r"run\.database-unreachable"), open_served(settings, {}):
        pass


def test_without_postgresql_both_are_files_in_the_home(tmp_path: Path) -> None:
    with open_served(ServerSettings(tmp_path / "home", leads=False, mlflow=False), {}) as served:
        assert served.plane.base.database.engine.dialect.name == "sqlite"


@pytest.mark.parametrize(
    ("own", "mlflow"),
    [
        ("postgresql://bongsu:secret@db.example:5432/bongsu", "postgresql+psycopg://other@DB.example./bongsu"),
        ("postgresql://bongsu@/bongsu?host=db.example", "postgresql+psycopg://bongsu@db.example/bongsu"),
        ("postgresql://bongsu@localhost/bongsu", "postgresql+psycopg://bongsu@127.0.0.1:5432/bongsu"),
        ("postgresql://bongsu@localhost", "postgresql+psycopg://bongsu@localhost/bongsu"),
        ("sqlite:///{folder}/one.db", "sqlite:///{folder}/x/../one.db"),
        ("sqlite:///{folder}/one.db", "sqlite:///{folder}/link.db"),
        ("sqlite:///{folder}/one.db", "sqlite:///file:{folder}/one.db?uri=true"),
        (None, "sqlite:///{folder}/home/bongsu.db"),
        ("sqlite:///{folder}/home/mlflow-shared.db", None),
    ],
)
def test_one_database_for_both_is_refused_however_it_is_written(
    tmp_path: Path, own: str | None, mlflow: str | None
) -> None:
    (tmp_path / "one.db").touch()
    (tmp_path / "link.db").symlink_to(tmp_path / "one.db")
    own, mlflow = (one and one.format(folder=tmp_path) for one in (own, mlflow))
    settings = ServerSettings(tmp_path / "home", database_url=own, leads=False, mlflow_database_url=mlflow)
    with pytest.raises(BongsuError) as refused, open_served(settings, {}):
        pass
    (problem,) = refused.value.problems
    assert problem.code.name == "run.one-database"
    assert "secret" not in problem.what()
    assert not (tmp_path / "home").exists()


def test_databases_that_differ_in_anything_are_two() -> None:
    own = parsed("postgresql://bongsu@db.example:5432/bongsu")
    for other in (
        "postgresql://bongsu@db.example:5432/mlflow",
        "postgresql://bongsu@db.example:5433/bongsu",
        "postgresql://bongsu@other.example:5432/bongsu",
        "sqlite:///bongsu",
    ):
        assert not is_same(own, parsed(other))
    assert not is_same(parsed("sqlite://"), parsed("sqlite://"))
    with pytest.raises(BongsuError, match=r"run\.database-address"):
        is_same(own, parsed("mysql://bongsu@db.example/bongsu"))
