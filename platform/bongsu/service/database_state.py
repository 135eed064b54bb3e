"""The store as whoever runs a server keeps it: which schema it has, whether it is whole, and bringing it to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bongsu.artifacts.base import ArtifactStore
from bongsu.artifacts.checking import fault_of, is_damage
from bongsu.domain.codes import run as codes
from bongsu.domain.ids import Digest
from bongsu.domain.problems import BongsuError, Problem
from bongsu.service.artifact_place import place_of, reached, stores_at
from bongsu.service.home import DATABASE, holds_work, local_home
from bongsu.store import database as store
from bongsu.store.artifacts import trees_of_all


@dataclass(frozen=True)
class Schema:
    """Attributes:
    found: revision that the database has; None for an empty one.
    known: newest revision of this version of Bongsu.
    """

    found: str | None
    known: str = store.HEAD_REVISION


@dataclass(frozen=True)
class Whole:
    """Attributes:
    schema: revision of the database, of which every row could be read.
    trees: how many artifacts it knows.
    faults: of each artifact that is not whole, what is wrong with it first.
    """

    schema: str | None
    trees: int
    faults: tuple[Problem, ...]


def address_of(home: Path, database_url: str | None) -> str:
    """Of the database: the one that is named, else the file of the home."""
    return database_url or f"sqlite:///{local_home(home) / DATABASE}"


def schema_of(home: Path, database_url: str | None) -> Schema:
    """Look, and change nothing. Raises as :func:`bongsu.store.database.open_for_reading`."""
    return Schema(store.revision_at(address_of(home, database_url)))


def move_schema(home: Path, database_url: str | None, revision: str, *, may_lose: bool = False) -> Schema:
    """Bring the schema to a revision, up or down, in one transaction.

    Args:
        home: of the server.
        database_url: of PostgreSQL; None for the file in the home.
        revision: four digits, or ``head``.
        may_lose: go down, although what only the newer schema has a place for is lost.

    Raises:
        BongsuError: ``run.schema-unknown``, ``run.schema-down``, ``run.newer-database``, and as
            :func:`bongsu.store.database.open_for_reading`.
    """
    url = address_of(home, database_url)
    target = store.HEAD_REVISION if revision == "head" else revision
    if target not in store.revisions():
        raise codes.SCHEMA_UNKNOWN.error(revision=revision, first=store.revisions()[0], last=store.HEAD_REVISION)
    found = store.revision_at(url)
    if found is not None and found <= store.HEAD_REVISION and target < found and not may_lose:
        raise codes.SCHEMA_DOWN.error(found=found, revision=target)
    store.migrate_at(url, target)
    return schema_of(home, database_url)


def check_whole(
    home: Path, database_url: str | None, environment: Mapping[str, str], *, read_bytes: bool = True
) -> Whole:
    """Read every row, and every artifact that the rows name; change nothing.

    Args:
        home: of the server.
        database_url: of PostgreSQL; None for the file in the home.
        environment: as of :func:`bongsu.service.artifact_place.place_of`.
        read_bytes: compare every byte with its digest; else sizes alone.

    Raises:
        BongsuError: ``run.database-damaged`` with every row that cannot be read, ``run.newer-database``, and as
            :func:`bongsu.store.database.check_database`; ``artifact.*`` if the store does not answer.
    """
    home = local_home(home)
    url = address_of(home, database_url)
    store.refuse_newer(url)
    store.check_database(url, may_be_new=lambda: not holds_work(home))
    with store.open_for_reading(url) as connection:
        trees = trees_of_all(connection)
    place = place_of(home, environment)
    faults = []
    with reached(place, environment):
        stores = stores_at(place)
        for tenant, digest in trees:
            fault = _fault(stores(tenant), digest, read_bytes=read_bytes)
            if fault is not None:
                faults.append(fault)
    return Whole(store.revision_at(url), len(trees), tuple(faults))


def _fault(artifacts: ArtifactStore, digest: Digest, *, read_bytes: bool) -> Problem | None:
    if not read_bytes:
        return fault_of(artifacts, digest)
    try:
        artifacts.reader(digest).verify()
    except BongsuError as error:
        if is_damage(error):
            return error.problems[0]
        raise
    return None
