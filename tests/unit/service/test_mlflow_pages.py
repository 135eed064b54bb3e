"""Where MLflow's pages can be served, and what keeps them from it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from ports import free_port

from bongsu.cli.commands import mlflow
from bongsu.domain.problems import BongsuError
from bongsu.service.mlflow_pages import PORT, new_pages, pages_address
from bongsu.tracking.pages import server_command, server_environment
from bongsu.tracking.settings import TrackingSettings


@pytest.fixture
def listener() -> Iterator[int]:
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


@pytest.fixture
def free() -> int:
    return free_port()


def code_of(home: Path, port: int) -> str:
    with pytest.raises(BongsuError) as caught:
        pages_address(home, port)
    return caught.value.problems[0].code.name


def test_a_home_of_which_mlflow_has_heard_nothing_and_a_port_that_is_taken_are_told(
    tmp_path: Path, listener: int
) -> None:
    assert code_of(tmp_path, listener) == "run.nothing-tracked"
    (tmp_path / "mlflow.db").touch()
    assert code_of(tmp_path, listener) == "run.port-taken"


def test_the_help_text_names_the_port_that_links_have() -> None:
    assert mlflow.PORT == PORT


def test_the_server_is_this_machines_alone_and_reports_to_nobody(tmp_path: Path) -> None:
    assert server_command(5001)[-2:] == ["127.0.0.1", "5001"]
    operators = {"PATH": "/bin", "MLFLOW_LOGGING_LEVEL": "INFO", "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true"}
    environment = server_environment(TrackingSettings.embedded(tmp_path), operators, "a-key")
    assert environment["_MLFLOW_SERVER_FILE_STORE"] == f"sqlite:///{tmp_path / 'mlflow.db'}"
    assert environment["_MLFLOW_SERVER_SERVE_ARTIFACTS"] == ""
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert environment["MLFLOW_LOGGING_LEVEL"] == "INFO", "what the operator set stands"


def test_its_key_is_for_the_owner_of_the_home_and_another_one_each_time(tmp_path: Path, free: int) -> None:
    (tmp_path / "mlflow.db").touch()
    (tmp_path / "mlflow.key").write_text("old")
    (tmp_path / "mlflow.key").chmod(0o644)
    first, second = new_pages(tmp_path, free), new_pages(tmp_path, free)
    assert first.key != second.key
    assert second.key_file.read_text().strip() == second.key
    assert second.key_file.stat().st_mode & 0o777 == 0o600
    assert second.first == f"{second.address}/?key={second.key}"
    assert second.key not in " ".join(server_command(free)), "others see the commands of this machine"
