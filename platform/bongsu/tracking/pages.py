"""MLflow's own pages: where it shows a model, and the server that shows them, on this machine and for it alone."""

from __future__ import annotations

import os
from collections.abc import Mapping

from bongsu.machine.python import python_command
from bongsu.tracking.page_key import KEY_VARIABLE, PARAMETER
from bongsu.tracking.settings import QUIET_ENVIRONMENT, TrackingSettings

HOST = "127.0.0.1"
# MLflow's own choice: what people who know MLflow type.
PORT = 5000


def address(port: int = PORT) -> str:
    """Of the server on this machine; a path of a page follows it."""
    return f"http://{HOST}:{port}"


def first_address(key: str, port: int = PORT) -> str:
    """What a browser opens first, which has the key; pages by :func:`address` open in it from then on."""
    return f"{address(port)}/?{PARAMETER}={key}"


def logged_model_page(experiment: str, model: str) -> str:
    """Path of a LoggedModel's page (a route of MLflow's single page application)."""
    return f"/#/experiments/{experiment}/models/{model}"


def server_command(port: int) -> list[str]:
    """The command that serves the pages until it is ended; it listens to this machine only, and has one process, which
    is enough for one person."""
    return python_command("bongsu.tracking.keyed_pages", HOST, str(port))


def server_environment(settings: TrackingSettings, environment: Mapping[str, str], key: str) -> dict[str, str]:
    """The environment of that command: nothing is reported to anybody. What the operator has set stands, but for what
    is shown and to whom. The processes that MLflow starts in turn import nothing from the directory in which somebody
    stands.

    Files that runs keep at MLflow are read by their own addresses, so the server needs no proxy for them.
    """
    shown = {
        "_MLFLOW_SERVER_FILE_STORE": settings.tracking_uri,
        "_MLFLOW_SERVER_REGISTRY_STORE": settings.tracking_uri,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": settings.artifact_root,
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "",
        "_MLFLOW_SGI_NAME": "uvicorn",
        KEY_VARIABLE: key,
    }
    return QUIET_ENVIRONMENT | {"PYTHONSAFEPATH": "1"} | dict(environment) | shown


def serve(settings: TrackingSettings, environment: Mapping[str, str], port: int, key: str) -> None:
    """Become the server: signals reach it without a process in between.

    Raises:
        OSError: the interpreter cannot be started.
    """
    command = server_command(port)
    os.execve(command[0], command, server_environment(settings, environment, key))
