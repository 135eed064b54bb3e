"""A home that was moved, renamed or copied: MLflow names files by their whole addresses, and these follow the home."""

from __future__ import annotations

import contextlib
import os
import sqlite3

from bongsu.tracking.birth import path_of
from bongsu.tracking.settings import TrackingSettings

# Where MLflow 3.17 keeps addresses of files, and where Bongsu writes some; columns of a text each.
_ADDRESSES = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "logged_model_tags": ("tag_value",),
    "datasets": ("dataset_source",),
    "model_versions": ("source", "storage_location"),
}
_PATIENCE_S = 2.0


def follow_home(settings: TrackingSettings) -> bool:
    """Write the home's present address wherever the embedded database names an earlier one; True if it did.

    Where the database may not be written, or another process holds it, everything stays as it is until the next time.
    """
    path = path_of(settings.tracking_uri)
    if path is None or not path.exists() or not os.access(path, os.W_OK):
        return False
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path, _PATIENCE_S)) as connection:
        return _rewrite(connection, settings.artifact_root)
    return False


def _rewrite(connection: sqlite3.Connection, artifact_root: str) -> bool:
    """Args: the database, and the directory of MLflow's own files in the home: ``file:///home/mlflow``."""
    home, _, folder = artifact_root.rpartition("/")
    # What MLflow makes for itself (its default experiment) lies elsewhere, and is used by nobody here.
    query = "SELECT artifact_location FROM experiments WHERE artifact_location LIKE 'file:%'"
    locations = [location for (location,) in connection.execute(query) if f"/{folder}/" in location]
    earlier = {location.rpartition(f"/{folder}/")[0] for location in locations} - {home}
    with connection:
        for old in sorted(earlier):
            for table, columns in _ADDRESSES.items():
                for column in columns:
                    connection.execute(
                        f"UPDATE {table} SET {column} = replace({column}, ?, ?) WHERE instr({column}, ?)",
                        (f"{old}/", f"{home}/", f"{old}/"),
                    )
    return bool(earlier)
