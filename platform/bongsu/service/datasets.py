"""Data sets under a name: registering one, and listing them."""

from __future__ import annotations

from pathlib import Path

from bongsu.domain.labels import Label
from bongsu.domain.pipeline import Input
from bongsu.service.inputs.resolving import resolve_input
from bongsu.service.platform import Platform
from bongsu.store import datasets
from bongsu.store.artifacts import note_artifact
from bongsu.store.records import DatasetVersionRecord


def register_dataset(platform: Platform, name: str, uri: str, directory: Path, label: Label | None = None) -> int:
    """Give a data set a name and a version, so that pipelines can take it as ``datasets:/NAME/VERSION``.

    Args:
        platform: what to work on.
        name: of the data set.
        uri: ``file:``, ``package:`` or ``artifact:``, as in a pipeline.
        directory: what ``file:`` is relative to.
        label: its label, if it is higher than its card says.

    Returns:
        The version: the newest one if the bytes and the label are its, else a new one.

    Raises:
        BongsuError: ``run.input-missing``, ``run.input-scheme``.
    """
    resolved = resolve_input(platform, name, Input(dataset=uri, label=label), directory)
    with platform.database.write() as connection:
        now = platform.clock()
        note_artifact(connection, resolved.ref, name, now)
        return datasets.add_dataset_version(connection, name, resolved.ref, uri, now)


def list_datasets(platform: Platform, name: str | None = None) -> list[DatasetVersionRecord]:
    """By name, newest version first."""
    with platform.database.read() as connection:
        return datasets.list_dataset_versions(connection, name)
