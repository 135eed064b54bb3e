"""Where MLflow keeps its state, and how it is told to stay quiet and at home."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

# Read by MLflow when it is imported; see its environment_variables module.
QUIET_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # Importing MLflow sets the levels of its loggers anew.
    "MLFLOW_LOGGING_LEVEL": "ERROR",
}


@dataclass(frozen=True)
class TrackingSettings:
    """Attributes:
    tracking_uri: of the tracking store and the registry, e.g. ``sqlite:////.../mlflow.db``.
    artifact_root: directory of MLflow's own small artifacts (model cards); weights never go there.
    registry_views: directory in which local model versions appear as hard links, or None for remote stores.
    """

    tracking_uri: str
    artifact_root: str
    registry_views: Path | None

    @classmethod
    def embedded(cls, home: Path) -> TrackingSettings:
        """Everything below one directory; no server."""
        return cls(
            tracking_uri=f"sqlite:///{home / 'mlflow.db'}",
            artifact_root=(home / "mlflow").as_uri(),
            registry_views=home / "registry",
        )


def quieten() -> None:
    """Apply :data:`QUIET_ENVIRONMENT` and raise the level of MLflow's and Alembic's loggers.

    Call before MLflow is imported. Settings that the operator made stand.
    """
    for name, value in QUIET_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
