"""What stages have to say against how they are used, as findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bongsu.domain.codes import plan as plan_codes
from bongsu.domain.codes import spec as codes
from bongsu.domain.fieldpath import FieldPath, Finding
from bongsu.domain.stages import Params, StageFacts, StageSignature
from bongsu.planner.matrix import StagePoint


def objections(
    signature: StageSignature,
    params: Params,
    point: StagePoint,
    path: FieldPath,
    configs: Mapping[str, Mapping[str, Any]] | None = None,
) -> Iterator[Finding]:
    """Findings of the stage's own check, below ``path``; those of ``plan.stage-falls-short`` do not keep it from
    running.

    Args:
        params: of this point, validated.
        configs: of the models at its ports, as far as they are known.
    """
    facts = StageFacts({port: len(sources) for port, sources in point.inputs.items()}, configs or {})
    for found in signature.check(params, facts):
        code = codes.STAGE_REFUSES if found.is_error else plan_codes.STAGE_FALLS_SHORT
        args = {"uses": signature.name, "detail": found.detail, "hint": found.advice}
        yield Finding(code, (*path, *found.field), args)
