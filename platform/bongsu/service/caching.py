"""What the planner is told of earlier work."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from bongsu.artifacts.checking import fault_of
from bongsu.domain.codes import artifact as codes
from bongsu.domain.ids import Digest
from bongsu.domain.plan import CacheReason
from bongsu.planner.cache_key import Parts
from bongsu.planner.facts import CacheFacts, EarlierWork, LostOutputs
from bongsu.service.platform import Platform
from bongsu.store import cache


def lookup(platform: Platform, key: Digest) -> EarlierWork | LostOutputs | None:
    """The work that ``key`` stands for, if every output of it still stands in the artifact store as it was left."""
    with platform.read() as connection:
        found = cache.find_work(connection, key)
    if found is None:
        return None
    for name, ref in found.outputs.items():
        fault = fault_of(platform.artifacts, ref.digest)
        if fault is None:
            continue
        if fault.code is codes.MISSING:
            return LostOutputs(CacheReason.OUTPUT_GONE, name)
        return LostOutputs(CacheReason.OUTPUT_DAMAGED, f"{name}: {fault.args['path']}: {fault.args['detail']}")
    return found


def cache_facts(platform: Platform, pipeline: str) -> CacheFacts:
    """For :func:`bongsu.planner.planning.draft`: as it is now, read when it is first asked for."""

    @functools.cache
    def last() -> Mapping[str, Parts]:
        with platform.read() as connection:
            return cache.last_parts(connection, pipeline)

    return CacheFacts(work=lambda key: lookup(platform, key), last=lambda stage: last().get(stage))
