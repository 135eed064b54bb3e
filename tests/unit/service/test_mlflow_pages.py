"""Where MLflow's pages can be served, and what keeps them from it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bongsu.cli.commands import mlflow
from bongsu.domain.problems import BongsuError
from bongsu.service.mlflow_pages import PORT, pages_address
from bongsu.tracking.pages import server_command, server_environment
from bongsu.tracking.settings import TrackingSettings


@pytest.fixture
def listener() -> Iterator[int]:
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


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
    command = server_command(TrackingSettings.embedded(tmp_path), 5001)
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert f"sqlite:///{tmp_path / 'mlflow.db'}" in command
    environment = server_environment({"PATH": "/bin", "MLFLOW_LOGGING_LEVEL": "INFO"})
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert environment["MLFLOW_LOGGING_LEVEL"] == "INFO", "what the operator set stands"
