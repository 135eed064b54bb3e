"""Artifacts as who asks sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from bongsu.domain.artifact import FileEntry
from bongsu.domain.codes import run as codes
from bongsu.domain.ids import Digest
from bongsu.service.audit.reads import note_read
from bongsu.service.platform import Platform
from bongsu.store.artifacts import get_artifact


@dataclass(frozen=True)
class ArtifactDetails:
    """An artifact and its files. ``size`` in bytes; ``run_id`` and ``stage_id`` are its first maker's."""

    digest: Digest
    type: str
    size: int
    label: str
    title: str
    run_id: str | None
    stage_id: str | None
    created_at: float
    files: tuple[FileEntry, ...]


def show_artifact(platform: Platform, digest: str) -> ArtifactDetails:
    """An artifact; that somebody reads it is recorded. Raises ``run.unknown-digest`` for what does not exist for who
    asks, and ``artifact.missing``."""
    with platform.read() as connection:
        found = get_artifact(connection, digest)
    if found is None:
        raise codes.UNKNOWN_DIGEST.error(digest=digest)
    note_read(platform, f"artifact:{found.digest}", [found.label])
    files = platform.artifacts.reader(found.digest).manifest.files
    return ArtifactDetails(
        found.digest,
        found.type.value,
        found.size,
        found.label,
        found.title,
        found.run_id,
        found.stage_id,
        found.created_at,
        tuple(files),
    )


def open_file(platform: Platform, digest: str, path: str) -> tuple[BinaryIO, int]:
    """A file of an artifact, and its size in bytes. Raises as :func:`show_artifact`."""
    details = show_artifact(platform, digest)
    entry = next((entry for entry in details.files if entry.path == path), None)
    if entry is None:
        raise codes.UNKNOWN_DIGEST.error(digest=f"{digest}/{path}")
    return platform.artifacts.reader(details.digest).open(path), entry.size
