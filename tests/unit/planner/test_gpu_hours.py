"""GPU-hours of stages that only read models, and of those that nobody can tell."""

from __future__ import annotations

from typing import Any

import pytest
from drafted_plans import input_of, plan_with
from published_models import AXK1

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.plan import RunPlan
from bongsu.planner.config_shapes import shape_of
from bongsu.service.catalogue import InstalledStages

STAGES = InstalledStages()
GPUS = {"gpusPerWorker": 16, "accelerator": "H100-80GB"}
HALF = AXK1 | {"n_routed_experts": 96}
REACHED = 989e12 * 0.30
"""Operations per second: the datasheet's of one H100, and the share of them that is reached."""


INPUTS = {
    "whole": input_of("whole", ArtifactType.MODEL, AXK1),
    "half": input_of("half", ArtifactType.MODEL, HALF),
    "odd": input_of("odd", ArtifactType.MODEL, {"model_type": "unheard-of"}),
    "law": input_of("law", ArtifactType.TOKENS),
    "wiki": input_of("wiki", ArtifactType.TOKENS),
    "questions": input_of("questions", ArtifactType.FILES),
}


def planned(*stages: dict[str, Any]) -> RunPlan:
    return plan_with(INPUTS, STAGES, *stages)


def stage(name: str, uses: str, inputs: dict[str, Any], params: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"name": name, "uses": uses, "inputs": inputs, "with": params or {}, "resources": GPUS}


def perplexity(*models: str) -> dict[str, Any]:
    inputs = {"models": [f"inputs.{name}" for name in models], "tokens": ["inputs.law", "inputs.wiki"]}
    return stage("read", "evaluate.perplexity", inputs, {"maxSequences": 100_000})


def active(config: dict[str, Any]) -> int:
    shape = shape_of(config)
    assert shape
    return shape.active


def test_every_model_reads_every_text() -> None:
    plan = planned(perplexity("whole", "half"))
    # Two operations a parameter and token; 100,000 sequences of 2048 tokens of each of two texts; 16 GPUs held.
    tokens = 2 * 100_000 * 2048
    seconds = 2 * (active(AXK1) + active(HALF)) * tokens / REACHED
    assert plan.gpu_hours == pytest.approx(16 * seconds / 3600)
    assert plan.gpu_hours > 100
    assert plan.stage("read").workload.tokens == tokens


def test_speed_is_measured_in_every_pass_with_a_warm_up() -> None:
    params = {"passes": 2, "repeats": 3, "batch": 8, "promptTokens": 128, "newTokens": 32}
    plan = planned(stage("time", "evaluate.speed", {"models": ["inputs.whole"]}, params))
    assert plan.gpu_hours == pytest.approx(16 * 2 * active(AXK1) * (2 * 4 * 8 * 160) / REACHED / 3600)


def test_what_the_gate_reads_is_counted() -> None:
    inputs = {"models": ["inputs.half"], "tokens": ["inputs.law", "inputs.wiki"], "baseline": "inputs.whole"}
    plan = planned(stage("check", "verify.reload", inputs, {"sequences": 16}))
    # 16 sequences for the loss and 4 for the logits; 16 tokens behind half a sequence, without a cache; all twice.
    tokens = 2 * ((16 + 4) * 2048 + 16 * 1024 + 15 * 16 // 2)
    assert plan.gpu_hours == pytest.approx(16 * 2 * (active(AXK1) + active(HALF)) * tokens / REACHED / 3600)


@pytest.mark.parametrize(
    "unknown",
    [
        stage("ask", "evaluate.tasks", {"models": ["inputs.whole"], "questions": "inputs.questions"}),
        stage("ask", "evaluate.speed", {"models": ["inputs.whole", "inputs.odd"]}),
        stage("ask", "container", {"files": ["inputs.questions"]}, {"command": ["true"]}),
        stage("ask", "data.curate", {"documents": "inputs.questions"}),
    ],
    ids=["questions", "model", "container", "data"],
)
def test_what_cannot_be_known_is_named_and_not_added_as_nothing(unknown: dict[str, Any]) -> None:
    alone = planned(unknown)
    assert alone.gpu_hours is None
    assert [one.stage for one in alone.not_estimated] == ["ask"]
    beside = planned(unknown, perplexity("whole"))
    assert beside.gpu_hours == planned(perplexity("whole")).gpu_hours
    assert [one.stage for one in beside.not_estimated] == ["ask"]


def test_without_gpus_nothing_is_unknown() -> None:
    plan = planned(stage("ask", "container", {}, {"command": ["true"]}) | {"resources": {}})
    assert (plan.gpu_hours, plan.not_estimated) == (0, ())
