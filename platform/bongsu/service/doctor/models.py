"""Are the registered models still there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bongsu.artifacts.base import ArtifactStore
from bongsu.artifacts.checking import fault_of
from bongsu.artifacts.open import open_store
from bongsu.domain.messages import N_
from bongsu.domain.problems import BongsuError
from bongsu.service.artifact_place import place_of, reached
from bongsu.service.doctor.finding import Finding
from bongsu.service.home import DATABASE
from bongsu.store import models
from bongsu.store.database import open_for_reading
from bongsu.store.records import ModelVersionRecord

SHOWN = 5


def registered(home: Path, environment: Mapping[str, str]) -> Finding:
    """Those whose files are gone or have other sizes; no file is read. What is wrong with the database or with the
    store as a whole is told by other checks."""
    subject = N_("Registered models")
    if not (home / DATABASE).is_file():
        return Finding("ok", subject, "0")
    try:
        with open_for_reading(f"sqlite:///{home / DATABASE}") as connection:
            versions = models.list_versions(connection)
        place = place_of(home, environment)
        with reached(place, environment):
            damaged = _damaged(open_store(place.uri, place.cache), versions) if versions else []
    except (BongsuError, OSError):
        return Finding("ok", subject, "–")
    if not damaged:
        return Finding("ok", subject, str(len(versions)))
    names = [f"{version.name}@{version.version} ({version.run_id})" for version in damaged]
    more = ", …" if len(names) > SHOWN else ""
    fix = N_(
        "Their files are damaged or gone. `bongsu resume RUN`, with the run in brackets, makes them again; or restore"
        " them from a backup."
    )
    return Finding("problem", subject, f"{len(names)}: {', '.join(names[:SHOWN])}{more}", fix)


def _damaged(artifacts: ArtifactStore, versions: list[ModelVersionRecord]) -> list[ModelVersionRecord]:
    digests = {version.digest for version in versions}
    broken = {digest for digest in digests if fault_of(artifacts, digest) is not None}
    return [version for version in versions if version.digest in broken]
