"""MLflow's own pages: where it shows a model, and the server that shows them, on this machine and for it alone."""

from __future__ import annotations

import os
from collections.abc import Mapping

from bongsu.machine.python import python_command
from bongsu.tracking.settings import QUIET_ENVIRONMENT, TrackingSettings

HOST = "127.0.0.1"
# MLflow's own choice: what people who know MLflow type.
PORT = 5000


def address(port: int = PORT) -> str:
    """Of the server on this machine; a path of a page follows it."""
    return f"http://{HOST}:{port}"


def logged_model_page(experiment: str, model: str) -> str:
    """Path of a LoggedModel's page (a route of MLflow's single page application)."""
    return f"/#/experiments/{experiment}/models/{model}"


def server_command(settings: TrackingSettings, port: int) -> list[str]:
    """The command that serves the pages until it is ended; it listens to this machine only.

    Files that runs keep at MLflow are read by their own addresses, so the server needs no proxy for them. One process
    is enough for one person and starts in a quarter of the time that four take.
    """
    return [
        *python_command("mlflow", "server"),
        *("--backend-store-uri", settings.tracking_uri),
        *("--default-artifact-root", settings.artifact_root),
        "--no-serve-artifacts",
        *("--host", HOST, "--port", str(port), "--workers", "1"),
    ]


def server_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of that command: nothing is reported to anybody. What the operator has set stands. The processes
    that MLflow starts in turn import nothing from the directory in which somebody stands."""
    return QUIET_ENVIRONMENT | {"PYTHONSAFEPATH": "1"} | dict(environment)


def serve(settings: TrackingSettings, environment: Mapping[str, str], port: int) -> None:
    """Become the server: signals reach it without a process in between.

    Raises:
        OSError: the interpreter cannot be started.
    """
    command = server_command(settings, port)
    os.execve(command[0], command, server_environment(environment))
