"""A program that uses MLflow's own client, with nothing but an address and a token."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from governed_ids import World


def run_client(
    world: World, folder: Path, program: str, *arguments: str, token: str = "mnd-secret"
) -> subprocess.CompletedProcess[str]:
    """In a process of its own; by somebody cleared for S, unless another token is given."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(
        command,
        env=environment_of(world, token),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def environment_of(world: World, token: str = "mnd-secret") -> dict[str, str]:
    """What such a process is given: this one's, without what is said of MLflow in it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "_MLFLOW"))}
    return environment | {
        "MLFLOW_TRACKING_TOKEN": token,
        "MLFLOW_TRACKING_URI": world.server.address,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    }
