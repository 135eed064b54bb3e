"""Artifacts by the page, filtered: newest first, as who reads sees them."""

from __future__ import annotations

from sqlalchemy import Connection, select

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Label
from bongsu.domain.paging import Key, PageRequest
from bongsu.store.faults import readable
from bongsu.store.hidden_runs import as_told, hidden_runs
from bongsu.store.listing import Listing, Step, columns
from bongsu.store.records import ListedArtifact
from bongsu.store.schema import artifacts
from bongsu.store.scope import visible

_NAMED = ("digest", "type", "size", "label", "title", "runId", "stageId", "createdAt")
ARTIFACTS = Listing(
    (Step(artifacts.c.created_at, down=True), Step(artifacts.c.digest), Step(artifacts.c.tenant)),
    {**columns(artifacts, *_NAMED), "ministry": artifacts.c.tenant},
    closed={"type": ArtifactType},
)


def artifact_key(one: ListedArtifact) -> Key:
    """By which it is found again in :data:`ARTIFACTS`."""
    return one.created_at, one.digest, one.ministry


def page_of_artifacts(connection: Connection, wanted: PageRequest) -> list[ListedArtifact]:
    """Artifacts that the reader sees, newest first; two ministries that have the same bytes have one each."""
    found = []
    seen = select(artifacts).where(visible(connection, artifacts))
    listing = as_told(connection, ARTIFACTS, artifacts.c.run_id, wanted.filters)
    rows = connection.execute(listing.page(seen, wanted)).all()
    hidden = hidden_runs(connection, (row.run_id for row in rows))
    for row in rows:
        values = {name: value for name, value in row._mapping.items() if name != "tenant"}
        with readable(connection, artifacts, row.digest):
            Label.parse(row.label)
            told = {"digest": Digest(row.digest), "type": ArtifactType(row.type), "ministry": row.tenant}
            if row.run_id in hidden:
                told["run_id"] = ""
            found.append(ListedArtifact(**values | told))
    return found
