"""Who opens MLflow's pages after its database was lost is told first that it is being written again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli_shell import Shell
from service_places import Place, drive
from small_plans import plan_of, stage

from bongsu.service import delivering, mlflow_pages
from bongsu.service.embedded import open_home
from bongsu.service.submitting import submit

SAID = "MLflow 데이터베이스가 없어"


@pytest.fixture
def at_delivery(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What stood on the screen when each delivery began; MLflow itself is not started."""
    seen: list[str] = []

    def deliver(_platform: object) -> tuple[int, str]:
        seen.append(capsys.readouterr().out)
        return 0, ""

    monkeypatch.setattr(delivering, "deliver", deliver)
    monkeypatch.setattr(mlflow_pages, "serve", lambda *_given: None)
    return seen


def recorded(home: Path) -> None:
    """A run of which MLflow was told, and no database of MLflow's."""
    place = Place(home)
    drive(place.platform, [submit(place.platform, plan_of(stage("a"))).run.id])
    place.close()


@pytest.mark.usefixtures("korean")
def test_it_is_said_before_it_is_written(shell: Shell, tmp_path: Path, at_delivery: list[str]) -> None:
    (tmp_path / "home").mkdir()
    recorded(tmp_path / "home")
    shell("mlflow")
    (before,) = at_delivery
    assert SAID in before


@pytest.mark.usefixtures("korean")
def test_nothing_is_said_of_one_that_is_there_or_of_a_home_without_runs(
    shell: Shell, tmp_path: Path, at_delivery: list[str]
) -> None:
    open_home(tmp_path / "home", os.environ).close()
    shell("mlflow")
    recorded(tmp_path / "home")
    (tmp_path / "home" / "mlflow.db").touch()
    shell("mlflow")
    assert at_delivery == []
