"""Artifacts as who asks sees them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import BinaryIO

from bongsu.artifacts.base import ArtifactStore
from bongsu.domain.artifact import FileEntry, Manifest
from bongsu.domain.codes import run as codes
from bongsu.domain.ids import Digest, RunId, StageId
from bongsu.domain.paging import PageRequest
from bongsu.domain.shared import Sharing
from bongsu.service.audit.reads import note_read
from bongsu.service.platform import Platform
from bongsu.service.sharing import Received, note_taken, received_tree
from bongsu.store import records
from bongsu.store.artifact_lists import page_of_artifacts
from bongsu.store.artifacts import find_owned, get_artifact
from bongsu.store.hidden_runs import hidden_runs
from bongsu.store.records import ArtifactRecord

# An artifact as the store has it: there is nothing to add for those who look at several.
ListedArtifact = records.ListedArtifact


@dataclass(frozen=True)
class ArtifactDetails:
    """An artifact and its files. ``size`` in bytes; ``run_id`` and ``stage_id`` are its first maker's. ``shared`` says
    by which permits another ministry's is seen, whose maker is not told."""

    digest: Digest
    type: str
    size: int
    label: str
    title: str
    run_id: str | None
    stage_id: str | None
    created_at: float
    files: tuple[FileEntry, ...]
    shared: tuple[Sharing, ...] = ()


def list_artifacts(platform: Platform, wanted: PageRequest) -> list[ListedArtifact]:
    """Artifacts of the ministries of who asks, newest first; in the order of
    :data:`bongsu.store.artifact_lists.ARTIFACTS`. What others share is listed with models and data sets."""
    with platform.read() as connection:
        return page_of_artifacts(connection, wanted)


def show_artifact(platform: Platform, digest: str) -> ArtifactDetails:
    """An artifact, of one's own ministry or shared with it; that somebody reads it is recorded. Raises
    ``run.unknown-digest`` for what does not exist for who asks, and ``artifact.missing``."""
    return _shown(platform, digest)[0]


def open_file(platform: Platform, digest: str, path: str) -> tuple[BinaryIO, int]:
    """A file of an artifact, and its size in bytes. Raises as :func:`show_artifact`."""
    details, artifacts = _shown(platform, digest)
    entry = next((entry for entry in details.files if entry.path == path), None)
    if entry is None:
        raise codes.UNKNOWN_DIGEST.error(digest=f"{digest}/{path}")
    return artifacts.reader(details.digest).open(path), entry.size


def _shown(platform: Platform, digest: str) -> tuple[ArtifactDetails, ArtifactStore]:
    """With the store that has its bytes."""
    with platform.read() as connection:
        found = get_artifact(connection, digest)
        is_hidden = found is None and find_owned(connection, digest) is not None
        if found is not None and hidden_runs(connection, [found.run_id]):
            found = replace(found, run_id=RunId(""), stage_id=StageId(""))
    if found is not None:
        return _own(platform, found), platform.artifacts
    shared = None if is_hidden else received_tree(platform, Digest(digest))
    if shared is None:
        raise codes.UNKNOWN_DIGEST.error(digest=digest)
    note_taken(platform, shared)
    artifacts = platform.stores(shared.giver)
    return _of_another(shared, artifacts.reader(shared.digest).manifest), artifacts


def _own(platform: Platform, found: ArtifactRecord) -> ArtifactDetails:
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


def _of_another(shared: Received, manifest: Manifest) -> ArtifactDetails:
    return ArtifactDetails(
        shared.digest,
        shared.type.value,
        manifest.size,
        str(shared.label),
        str(shared.address),
        None,
        None,
        shared.version.created_at,
        tuple(manifest.files),
        shared.version.shared,
    )
