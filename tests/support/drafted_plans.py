"""Plans of pipelines that name resolved inputs, made as a submit would make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import digest_of
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.pipeline import PipelineSpec
from bongsu.domain.plan import RunPlan
from bongsu.domain.stages import Catalogue
from bongsu.planner.facts import ResolvedInput
from bongsu.planner.planning import draft


def spec(stages: Sequence[dict[str, Any]], inputs: dict[str, Any] | None = None, **body: Any) -> PipelineSpec:
    """A pipeline of these stages, as a file has them; ``body`` is what else stands under ``spec``."""
    purpose = {"useClass": "administration", "statement": "Draft and search documents"}
    return PipelineSpec.model_validate(
        {
            "apiVersion": "bongsu.dev/v1alpha1",
            "kind": "Pipeline",
            "metadata": {"name": "test", "ministry": "mnd"},
            "spec": {"purpose": purpose, "inputs": inputs or {}, "stages": list(stages), **body},
        }
    )


def probe(name: str, *after: str, **more: Any) -> dict[str, Any]:
    """A stage ``probe`` behind others."""
    return {"name": name, "uses": "probe", "inputs": {"after": list(after)} if after else {}, **more}


def plan(*given: Any, **named: Any) -> RunPlan:
    """The plan alone; arguments are those of ``draft``."""
    return draft(*given, **named).plan


def input_of(
    text: str, type_: ArtifactType, config: dict[str, Any] | None = None, label: Label = OPEN
) -> ResolvedInput:
    """An input whose bytes are ``text``; ``config`` is that of a model."""
    return ResolvedInput(ArtifactRef(digest=digest_of(text.encode()), type=type_, label=label), config or {})


def plan_with(inputs: Mapping[str, ResolvedInput], catalogue: Catalogue, *stages: dict[str, Any]) -> RunPlan:
    """A pipeline of these stages, as a file has them, which may take GPUs."""
    uris = {
        name: {"model" if found.ref.type is ArtifactType.MODEL else "dataset": f"file:{name}"}
        for name, found in inputs.items()
    }
    return plan(spec(stages, uris, grant="nap"), inputs, catalogue)
