"""Plans of pipelines that name resolved inputs, made as a submit would make them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import digest_of
from bongsu.domain.pipeline import PipelineSpec
from bongsu.domain.plan import RunPlan
from bongsu.domain.stages import Catalogue
from bongsu.planner.facts import ResolvedInput
from bongsu.planner.planning import draft


def input_of(text: str, type_: ArtifactType, config: dict[str, Any] | None = None) -> ResolvedInput:
    """An input whose bytes are ``text``; ``config`` is that of a model."""
    return ResolvedInput(ArtifactRef(digest=digest_of(text.encode()), type=type_), config or {})


def plan_with(inputs: Mapping[str, ResolvedInput], catalogue: Catalogue, *stages: dict[str, Any]) -> RunPlan:
    """A pipeline of these stages, as a file has them, which may take GPUs."""
    uris = {
        name: {"model" if found.ref.type is ArtifactType.MODEL else "dataset": f"file:{name}"}
        for name, found in inputs.items()
    }
    purpose = {"useClass": "administration", "statement": "Draft and search documents"}
    spec = {
        "apiVersion": "bongsu.dev/v1alpha1",
        "kind": "Pipeline",
        "metadata": {"name": "test", "ministry": "mnd"},
        "spec": {"purpose": purpose, "inputs": uris, "stages": stages, "grant": "nap"},
    }
    return draft(PipelineSpec.model_validate(spec), inputs, catalogue).plan
