"""Registered data sets: names and versions of trees that pipelines take from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, and_, func, insert, select

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Label
from bongsu.domain.paging import WHOLE, PageRequest
from bongsu.store.faults import readable
from bongsu.store.listing import Listing, columns
from bongsu.store.locks import hold
from bongsu.store.near_names import names_near
from bongsu.store.records import DatasetVersionRecord
from bongsu.store.schema import dataset_versions
from bongsu.store.scope import owned, tenant_of, visible
from bongsu.store.taken import add_new
from bongsu.store.version_pages import LARGEST_NUMBER, Named, by_version, page_of_versions, versions_named

_NAMED = ("name", "version", "label", "type", "size", "digest", "origin", "createdAt")
DATASETS = Listing(
    by_version(dataset_versions),
    {**columns(dataset_versions, *_NAMED), "ministry": dataset_versions.c.tenant},
    closed={"type": ArtifactType},
)


def add_dataset_version(connection: Connection, name: str, ref: ArtifactRef, origin: str, now: float) -> int:
    """The version of these bytes under this name; a new one if the newest has other bytes."""
    hold(connection, f"dataset {name}")
    known = find_dataset_version(connection, name)
    if known is not None and (known.digest, known.label) == (ref.digest, str(ref.label)):
        return known.version
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


def find_dataset_version(
    connection: Connection, name: str, version: int | None = None
) -> DatasetVersionRecord | None:
    """The version with this number, or the newest; None if there is none for who reads."""
    c = dataset_versions.c
    query = select(dataset_versions).where(visible(connection, dataset_versions), c.name == name)
    if version is not None:
        if version > LARGEST_NUMBER:
            return None
        query = query.where(c.version == version)
    row = connection.execute(query.order_by(c.version.desc()).limit(1 if version is None else None)).first()
    return _dataset(connection, row) if row else None


def dataset_names_near(connection: Connection, wanted: str) -> list[str]:
    """Names of data sets that somebody may have meant, as far as who reads may see them."""
    return names_near(connection, dataset_versions.c.name, wanted)


def find_dataset_versions(connection: Connection, wanted: Iterable[Named]) -> dict[Named, DatasetVersionRecord]:
    """Those of these versions that there are for who reads, for the reader of one tenant."""
    query = select(dataset_versions).where(visible(connection, dataset_versions))
    some = versions_named(dataset_versions, query, wanted)
    found = (_dataset(connection, row) for portion in some for row in connection.execute(portion))
    return {(one.name, one.version): one for one in found}


def _dataset(connection: Connection, row: Any) -> DatasetVersionRecord:
    values = {name: value for name, value in row._mapping.items() if name != "tenant"}
    with readable(connection, dataset_versions, f"{row.name}/{row.version}"):
        Label.parse(row.label)
        return DatasetVersionRecord(**values | {"digest": Digest(row.digest), "type": ArtifactType(row.type)})
