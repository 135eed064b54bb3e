"""What the planner is told of earlier work."""

from __future__ import annotations

from collections.abc import Mapping

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.ids import Digest
from bongsu.planner.cache_key import Parts
from bongsu.planner.facts import CacheFacts
from bongsu.service.platform import Platform
from bongsu.store import cache


def lookup(platform: Platform, key: Digest) -> Mapping[str, ArtifactRef] | None:
    """Outputs of the work that ``key`` stands for, if every one is still in the artifact store."""
    with platform.database.read() as connection:
        found = cache.find_outputs(connection, key)
    if found is None or not all(platform.artifacts.has(ref.digest) for ref in found[0].values()):
        return None
    return found[0]


def last_entry(platform: Platform, pipeline: str, stage_id: str) -> Parts | None:
    """What the stage was made of the last time, to say why its key differs now."""
    with platform.database.read() as connection:
        return cache.last_parts(connection, pipeline, stage_id)


def cache_facts(platform: Platform, pipeline: str) -> CacheFacts:
    """For :func:`bongsu.planner.planning.plan`."""
    return CacheFacts(
        outputs=lambda key: lookup(platform, key), last=lambda stage: last_entry(platform, pipeline, stage)
    )
