"""Registered data sets: names and versions of trees that pipelines take from."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, func, insert, select

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Label
from bongsu.domain.paging import WHOLE, PageRequest
from bongsu.store.faults import readable
from bongsu.store.listing import Listing, columns
from bongsu.store.locks import hold
from bongsu.store.records import DatasetVersionRecord
from bongsu.store.schema import dataset_versions
from bongsu.store.scope import owned, tenant_of, visible
from bongsu.store.taken import add_new
from bongsu.store.version_pages import by_version, page_of_versions

_NAMED = ("name", "version", "label", "type", "size", "digest", "origin", "createdAt")
DATASETS = Listing(
    by_version(dataset_versions),
    {**columns(dataset_versions, *_NAMED), "ministry": dataset_versions.c.tenant},
    closed={"type": ArtifactType},
)


def add_dataset_version(connection: Connection, name: str, ref: ArtifactRef, origin: str, now: float) -> int:
    """The version of these bytes under this name; a new one if the newest has other bytes."""
    hold(connection, f"dataset {name}")
    versions = list_dataset_versions(connection, name)
    if versions and (versions[0].digest, versions[0].label) == (ref.digest, str(ref.label)):
        return versions[0].version
    is_so_called = and_(owned(connection, dataset_versions), dataset_versions.c.name == name)
    newest = select(func.coalesce(func.max(dataset_versions.c.version), 0)).where(is_so_called)
    version = int(connection.execute(newest).scalar_one()) + 1
    add_new(
        connection,
        insert(dataset_versions).values(
            tenant=tenant_of(connection),
            name=name,
            version=version,
            digest=ref.digest,
            type=ref.type.value,
            label=str(ref.label),
            size=ref.size,
            origin=origin[:1000],
            created_at=now,
        ),
    )
    return version


def list_dataset_versions(
    connection: Connection,
    name: str | None = None,
    wanted: PageRequest = WHOLE,
) -> list[DatasetVersionRecord]:
    """By name, newest version first; arguments as of :func:`bongsu.store.models.list_versions`."""
    query = select(dataset_versions).where(visible(connection, dataset_versions))
    paged = page_of_versions(DATASETS, query, name, wanted)
    return [_dataset(connection, row) for row in connection.execute(paged)]


def _dataset(connection: Connection, row: Any) -> DatasetVersionRecord:
    values = {name: value for name, value in row._mapping.items() if name != "tenant"}
    with readable(connection, dataset_versions, f"{row.name}/{row.version}"):
        Label.parse(row.label)
        return DatasetVersionRecord(**values | {"digest": Digest(row.digest), "type": ArtifactType(row.type)})
