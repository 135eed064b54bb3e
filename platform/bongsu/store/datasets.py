"""Registered data sets: names and versions of trees that pipelines take from."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, insert, select

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Label
from bongsu.store.faults import readable
from bongsu.store.locks import hold
from bongsu.store.records import DatasetVersionRecord
from bongsu.store.schema import dataset_versions


def add_dataset_version(connection: Connection, name: str, ref: ArtifactRef, origin: str, now: float) -> int:
    """The version of these bytes under this name; a new one if the newest has other bytes."""
    hold(connection, f"dataset {name}")
    versions = list_dataset_versions(connection, name)
    if versions and (versions[0].digest, versions[0].label) == (ref.digest, str(ref.label)):
        return versions[0].version
    newest = select(func.coalesce(func.max(dataset_versions.c.version), 0)).where(dataset_versions.c.name == name)
    version = int(connection.execute(newest).scalar_one()) + 1
    connection.execute(
        insert(dataset_versions).values(
            name=name,
            version=version,
            digest=ref.digest,
            type=ref.type.value,
            label=str(ref.label),
            size=ref.size,
            origin=origin[:1000],
            created_at=now,
        )
    )
    return version


def list_dataset_versions(connection: Connection, name: str | None = None) -> list[DatasetVersionRecord]:
    """By name, newest version first."""
    query = select(dataset_versions).order_by(dataset_versions.c.name, dataset_versions.c.version.desc())
    if name:
        query = query.where(dataset_versions.c.name == name)
    return [_dataset(connection, row) for row in connection.execute(query)]


def _dataset(connection: Connection, row: Any) -> DatasetVersionRecord:
    values = dict(row._mapping)
    with readable(connection, dataset_versions, f"{row.name}/{row.version}"):
        Label.parse(row.label)
        return DatasetVersionRecord(**values | {"digest": Digest(row.digest), "type": ArtifactType(row.type)})
