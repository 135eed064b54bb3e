"""Artifacts that runs made or were given: type, size, highest label and first maker of each digest."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest
from bongsu.store.schema import artifacts


def note_artifact(
    connection: Connection, ref: ArtifactRef, title: str, maker: tuple[str | None, str | None], now: float
) -> None:
    """Record an artifact once; ``maker`` is (run, stage)."""
    if connection.execute(select(artifacts.c.digest).where(artifacts.c.digest == ref.digest)).scalar():
        return
    connection.execute(
        insert(artifacts).values(
            digest=ref.digest,
            type=ref.type.value,
            size=ref.size,
            label=str(ref.label),
            title=title[:200],
            run_id=maker[0],
            stage_id=maker[1],
            created_at=now,
        )
    )


def find_digests(connection: Connection, prefix: str) -> list[Digest]:
    """Digests that begin with ``prefix`` (with or without ``sha256-``)."""
    text = prefix if prefix.startswith("sha256-") else f"sha256-{prefix}"
    query = select(artifacts.c.digest).where(artifacts.c.digest.startswith(text, autoescape=True)).limit(10)
    return [Digest(found) for found in connection.execute(query).scalars()]


def artifact_type(connection: Connection, digest: str) -> ArtifactType | None:
    found = connection.execute(select(artifacts.c.type).where(artifacts.c.digest == digest)).scalar()
    return ArtifactType(found) if found else None
