"""What makes a stage's output what it is: code, parameters, inputs, environment, and for some stages what else goes
into it. Equal parts, equal output.

The label is part of the key only where what is made says it. Elsewhere it does not change a byte; it is checked when an
old output is taken.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bongsu.domain.ids import Digest, digest_of
from bongsu.domain.plan import CacheReason, CacheVerdict, PlannedStage

Parts = dict[str, Any]
REASONS = {
    "code": CacheReason.CODE_CHANGED,
    "params": CacheReason.PARAMS_CHANGED,
    "inputs": CacheReason.INPUTS_CHANGED,
    "titles": CacheReason.INPUTS_CHANGED,
    "environment": CacheReason.ENVIRONMENT_CHANGED,
    "resources": CacheReason.ENVIRONMENT_CHANGED,
    "secrets": CacheReason.ENVIRONMENT_CHANGED,
    "signed": CacheReason.SIGNED_CHANGED,
}


def cache_parts(planned: PlannedStage, inputs: Mapping[str, Sequence[Digest]]) -> Parts:
    """The parts of a stage's key.

    Args:
        planned: the stage.
        inputs: digests of the trees at each port, in order.
    """
    params = {name: value for name, value in planned.params.items() if name not in planned.incidental}
    if planned.distributed:
        # The gang's size decides which samples make a step.
        params["resources.workers"] = planned.resources.workers
    environment = planned.environment.model_dump(mode="json") if planned.environment else {}
    if planned.requirements:
        # What is installed follows from the file's content; where the file lies does not matter.
        environment["requirements"] = planned.requirements
    parts = {
        "uses": planned.uses,
        "code": planned.code,
        "params": params,
        "inputs": {port: list(digests) for port, digests in sorted(inputs.items())},
        "environment": {name: value for name, value in environment.items() if value},
    }
    needs = planned.resources.model_dump(mode="json", by_alias=True) if planned.measures_machine else {}
    more: Parts = {
        "titles": {port: list(titles) for port, titles in planned.titles.items()},
        "resources": {name: value for name, value in needs.items() if value is not None},
        "secrets": planned.secrets,
        "signed": planned.signed,
    }
    return parts | {name: value for name, value in more.items() if value}


def cache_key(parts: Parts) -> Digest:
    """Digest of the parts in canonical JSON (sorted keys, no spaces)."""
    return digest_of(json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())


def why_not(parts: Parts, last: Parts | None) -> CacheVerdict:
    """Why a stage that has no cached output has none, compared with the last time it ran."""
    key = cache_key(parts)
    if last is None or last.get("uses") != parts["uses"]:
        return CacheVerdict(hit=False, reason=CacheReason.FIRST_RUN, key=key)
    for part, reason in REASONS.items():
        old, new = last.get(part, {}), parts.get(part, {})
        if old != new:
            return CacheVerdict(hit=False, reason=reason, key=key, detail=_difference(part, old, new))
    return CacheVerdict(hit=False, reason=CacheReason.OUTPUT_GONE, key=key)


def _difference(part: str, old: Any, new: Any) -> str:
    if part == "code" or not isinstance(old, dict):
        return ""
    changed = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    if part != "params":
        return ", ".join(changed)
    return ", ".join(f"{name} {json.dumps(old.get(name))} → {json.dumps(new.get(name))}" for name in changed)
