"""Artifacts that runs made or were given: type, size, highest label and first maker of each digest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, select, update

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest, RunId, StageId
from bongsu.domain.labels import Label
from bongsu.domain.tenants import Tenant
from bongsu.store.faults import readable
from bongsu.store.label_flow import flow
from bongsu.store.locks import hold_labels
from bongsu.store.records import ArtifactRecord
from bongsu.store.schema import artifacts
from bongsu.store.scope import owned, sees, tenant_of, visible
from bongsu.store.upsert import insert_absent


@dataclass(frozen=True)
class Maker:
    """The stage of a run that made an artifact."""

    run_id: RunId
    stage_id: StageId


def note_artifact(
    connection: Connection, ref: ArtifactRef, title: str, now: float, maker: Maker | None = None
) -> dict[Digest, Label]:
    """Record an artifact; without a maker it was given. One that stands keeps its maker, and its label only rises; with
    it rise those of whatever was made from it.

    Returns:
        Trees that carry a higher label than before, with that label.
    """
    if note_new(connection, ref, title, now, maker):
        return {}
    is_it = and_(owned(connection, artifacts), artifacts.c.digest == ref.digest)
    known = connection.execute(select(artifacts.c.label).where(is_it)).scalar_one()
    label = Label.parse(known).join(ref.label)
    if str(label) == known:
        return {}
    connection.execute(update(artifacts).where(is_it).values(label=str(label)))
    return {ref.digest: label} | flow(connection, [ref.digest], just_risen=[ref.digest])


def note_new(connection: Connection, ref: ArtifactRef, title: str, now: float, maker: Maker | None = None) -> bool:
    """Record an artifact unless these bytes are known: then they keep the label that they have, whatever somebody
    states of them beside what needs no permission to raise labels. False if they are known."""
    hold_labels(connection)
    row = {
        "tenant": tenant_of(connection),
        "digest": ref.digest,
        "type": ref.type.value,
        "size": ref.size,
        "label": str(ref.label),
        "title": title[:200],
        "run_id": maker.run_id if maker else None,
        "stage_id": maker.stage_id if maker else None,
        "created_at": now,
    }
    return insert_absent(connection, artifacts, row)


def find_artifacts(connection: Connection, prefix: str) -> list[ArtifactRecord]:
    """Artifacts whose digest begins with ``prefix`` (with or without ``sha256-``); ten at most."""
    text = prefix if prefix.startswith("sha256-") else f"sha256-{prefix}"
    begins_so = artifacts.c.digest.startswith(text, autoescape=True)
    query = select(artifacts).where(visible(connection, artifacts), begins_so).limit(10)
    return [_artifact(connection, row) for row in connection.execute(query)]


def list_artifacts(connection: Connection) -> list[ArtifactRecord]:
    """All of them, by their digests."""
    query = select(artifacts).where(visible(connection, artifacts)).order_by(artifacts.c.digest)
    return [_artifact(connection, row) for row in connection.execute(query)]


def trees_of_all(connection: Connection) -> list[tuple[Tenant, Digest]]:
    """Whose each artifact is, whatever the connection was opened for: for who keeps the store, and reads none."""
    query = select(artifacts.c.tenant, artifacts.c.digest).order_by(artifacts.c.tenant, artifacts.c.digest)
    return [(Tenant(row.tenant), Digest(row.digest)) for row in connection.execute(query)]


def get_artifact(connection: Connection, digest: str) -> ArtifactRecord | None:
    """None if there is none that the reader sees."""
    found = find_owned(connection, digest)
    return found if found is not None and sees(connection, found.label) else None


def find_owned(connection: Connection, digest: str) -> ArtifactRecord | None:
    """As :func:`get_artifact`, whatever its label: for what is decided, and told to nobody."""
    query = select(artifacts).where(owned(connection, artifacts), artifacts.c.digest == digest)
    row = connection.execute(query).one_or_none()
    return _artifact(connection, row) if row else None


def _artifact(connection: Connection, row: Any) -> ArtifactRecord:
    values = {name: value for name, value in row._mapping.items() if name != "tenant"}
    with readable(connection, artifacts, row.digest):
        Label.parse(row.label)
        return ArtifactRecord(**values | {"digest": Digest(row.digest), "type": ArtifactType(row.type)})
