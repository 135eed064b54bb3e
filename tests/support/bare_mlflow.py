"""MLflow's own server, with nothing of ours, beside which the governed one is measured."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from measured_server import START_S, answers
from ports import free_port

from bongsu.cli.commands.serve import HOST
from bongsu.machine.processes import die_with_parent


@dataclass(frozen=True)
class BareMlflow:
    """Its address, its process, and how many seconds it took until it answered."""

    address: str
    process: psutil.Process
    started_s: float


@contextmanager
def bare_mlflow(home: Path, database: str, files: Path) -> Iterator[BareMlflow]:
    """Args: home: where its log lies; database: with MLflow's rows; files: where its artifacts lie."""
    port = free_port()
    environment = os.environ | {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_WORKSPACES": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE": "true",
        "_MLFLOW_SERVER_FILE_STORE": database,
        "_MLFLOW_SERVER_REGISTRY_STORE": database,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": files.as_uri(),
    }
    serve = [sys.executable, "-m", "uvicorn", "mlflow.server.fastapi_app:app", "--host", HOST, "--port", str(port)]
    address, log = f"http://{HOST}:{port}", home / "mlflow.log"
    began = time.perf_counter()
    with log.open("wb") as file:
        process = subprocess.Popen(
            serve,
            stdout=file,
            stderr=file,
            env=environment,
            preexec_fn=die_with_parent,  # noqa: PLW1509 (one call of the C library, without a lock)
        )
    try:
        while not answers(f"{address}/version"):
            if process.poll() is not None or time.perf_counter() - began > START_S:
                raise RuntimeError(log.read_text())
            time.sleep(0.02)
        yield BareMlflow(address, psutil.Process(process.pid), time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait(60)
