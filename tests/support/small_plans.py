"""Run plans for tests of what happens after planning: stages by name, wired by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from installed_code import code_of

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest, StageId, digest_of
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.pipeline import Metadata, Purpose, Retries
from bongsu.domain.plan import CacheReason, CacheVerdict, PlannedInput, PlannedStage, RunPlan, Source
from bongsu.domain.resources import Resources
from bongsu.domain.uses import UseClass
from bongsu.domain.workload import Workload


def stage(name: str, *after: str, **changes: Any) -> PlannedStage:
    """A stage ``probe`` that takes the output ``files`` of the stages in ``after`` at its port of the same name.

    ``after`` may hold ``inputs.NAME``. ``retries`` is a number of retries without waiting, ``timeout`` seconds.
    """
    retries = changes.pop("retries", 0)
    if isinstance(retries, int):
        retries = Retries(limit=retries, backoff="0s")
    timeout = changes.pop("timeout", None)
    values: dict[str, Any] = {
        "id": StageId(name),
        "stage": name,
        "point": {},
        "uses": "probe",
        "params": {"text": name},
        "inputs": {"after": tuple(map(source, after))} if after else {},
        "outputs": {"files": ArtifactType.FILES},
        "many_inputs": ("after",),
        "retries": retries,
        "timeout": None if timeout is None else timedelta(seconds=timeout),
        "resources": Resources(),
        "environment": None,
        "label": OPEN,
        "workload": Workload(),
        "cache": CacheVerdict(hit=False, reason=CacheReason.FIRST_RUN),
    }
    values |= changes
    return PlannedStage(**{"code": code_of(values["uses"]), **values})


def source(text: str) -> Source:
    """``a`` for the output ``files`` of stage a, ``a.model`` for another one, ``inputs.base`` for an input."""
    owner, _, name = text.partition(".")
    return Source(stage_id=None if owner == "inputs" else StageId(owner), name=name or "files")


def plan_of(
    *stages: PlannedStage,
    name: str = "sample",
    inputs: Sequence[PlannedInput] = (),
    parameters: dict[str, Any] | None = None,
) -> RunPlan:
    """Stages in an order in which each stands behind what it needs."""
    return RunPlan(
        metadata=Metadata(name=name, ministry="mnd"),
        purpose=Purpose(use_class=UseClass.ADMINISTRATION, statement="Draft documents of administration"),
        grant=None,
        floor=OPEN,
        parameters=parameters or {},
        inputs=tuple(inputs),
        stages=stages,
    )


def planned_input(name: str, uri: str, ref: ArtifactRef) -> PlannedInput:
    return PlannedInput(name=name, uri=uri, ref=ref)


def ref_of(text: str, type_: ArtifactType = ArtifactType.FILES, label: Label = OPEN) -> ArtifactRef:
    """A reference to a tree that does not exist; equal texts give equal digests."""
    return ArtifactRef(digest=Digest(digest_of(text.encode())), type=type_, label=label, size=len(text))
