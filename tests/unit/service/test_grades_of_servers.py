"""Which grades a server begins with: those of the database; one that was told others does not start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from postgres_server import PostgresServer

from bongsu.domain.grades import GradeScheme, SchemeName
from bongsu.domain.labels import Grade
from bongsu.domain.problems import BongsuError
from bongsu.service.grades import StatedGrades, grades_of
from bongsu.service.grades_kept import change_grades_at, grades_at
from bongsu.service.serving import ServerSettings, open_served

MILITARY = StatedGrades(SchemeName.MILITARY, Grade.SECRET_III)
KNOWN = GradeScheme(SchemeName.MILITARY, Grade.SECRET_III)
Replica = Callable[[str, StatedGrades], ServerSettings]


@pytest.fixture(params=["sqlite", "postgresql"])
def replica(request: pytest.FixtureRequest, tmp_path: Path) -> Replica:
    """Settings of a process by its name; all of them share a database."""
    url: str | None = None
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.new_database()

    def settings(name: str, stated: StatedGrades) -> ServerSettings:
        home = tmp_path / (name if url else "home")
        mlflow = f"sqlite:///{tmp_path / 'mlflow.db'}"
        return ServerSettings(
            home, database_url=url, leads=False, mlflow=False, mlflow_database_url=mlflow, grades=stated
        )

    return settings


def test_the_second_of_two_replicas_with_unlike_schemes_does_not_start(replica: Replica) -> None:
    with open_served(replica("first", MILITARY), {}) as served:
        assert grades_of(served.plane.base) == KNOWN
        for stated in (StatedGrades(SchemeName.N2SF), StatedGrades(None, Grade.SENSITIVE)):
            with pytest.raises(BongsuError) as refused, open_served(replica("second", stated), {}):
                pass
            (problem,) = refused.value.problems
            assert (problem.code.name, problem.code.exit_code) == ("label.other-grades", 7)
        for stated in (MILITARY, StatedGrades(), StatedGrades(SchemeName.MILITARY)):
            with open_served(replica("second", stated), {}) as second:
                assert grades_of(second.plane.base) == KNOWN


def test_a_change_reaches_a_server_that_runs(replica: Replica) -> None:
    settings = replica("first", StatedGrades())
    with open_served(settings, {}) as served:
        assert grades_of(served.plane.base).name is SchemeName.N2SF
        assert change_grades_at(settings.home, {}, settings.database_url, MILITARY) == KNOWN
        assert grades_of(served.plane.base) == KNOWN
        assert grades_at(settings.home, settings.database_url) == KNOWN


def test_to_look_at_the_grades_of_no_home_makes_none(tmp_path: Path) -> None:
    assert grades_at(tmp_path / "home", None).name is SchemeName.N2SF
    assert not (tmp_path / "home").exists()
