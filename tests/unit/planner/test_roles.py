"""What a model is to a stage is told by its declaration, whatever stages and ports are called."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from drafted_plans import input_of, plan_with
from published_models import AXK1

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.plan import PlannedStage, RunPlan, Source
from bongsu.domain.ports import Role
from bongsu.domain.problems import BongsuError
from bongsu.service.catalogue import InstalledStages

STAGES = InstalledStages()
HALF = AXK1 | {"n_routed_experts": 96}
DISTILL = {"student": "pupil", "teacher": "master"}
REGISTER = {"models": "candidates", "baseline": "reference"}
NAMES = {"student": "inputs.half", "teacher": "inputs.whole", "models": ["inputs.half"], "baseline": "inputs.whole"}
CATALOGUE = dict(STAGES.items()) | {
    f"acme.{name}": replace(
        STAGES[uses],
        name=f"acme.{name}",
        inputs={ports.get(port, port): declared for port, declared in STAGES[uses].inputs.items()},
        check=lambda _params, _facts: (),
    )
    for name, uses, ports in (("teach", "compress.distill", DISTILL), ("enter", "registry.register", REGISTER))
}
"""The installed stages, and two of another team's with other names of stages and ports."""


INPUTS = {
    "half": input_of("half", ArtifactType.MODEL, HALF),
    "whole": input_of("whole", ArtifactType.MODEL, AXK1),
    "text": input_of("text", ArtifactType.TOKENS),
}


def planned(*stages: dict[str, Any]) -> RunPlan:
    return plan_with(INPUTS, CATALOGUE, *stages)


def teaching(uses: str, ports: dict[str, str]) -> PlannedStage:
    inputs = {ports.get(port, port): NAMES[port] for port in ("student", "teacher")} | {"tokens": ["inputs.text"]}
    params = {"steps": 10, "learningRate": 1e-4}
    stage = {"name": "a", "uses": uses, "inputs": inputs, "with": params, "resources": {"cpusPerWorker": 1}}
    return planned(stage).stage("a")


def test_another_stage_is_estimated_by_its_subject_and_its_teacher() -> None:
    ours, theirs = teaching("compress.distill", {}), teaching("acme.teach", DISTILL)
    assert ours.memory is not None
    assert ours.memory.teacher > ours.memory.weights / 2
    assert theirs.memory == ours.memory
    assert (theirs.is_compression, theirs.roles) == (True, {"pupil": Role.SUBJECT, "master": Role.TEACHER})


def test_nothing_is_registered_unverified_by_a_stage_of_another_name() -> None:
    verify = {
        "name": "v",
        "uses": "verify.reload",
        "inputs": {"models": ["inputs.whole"], "tokens": ["inputs.text"]},
    }
    inputs = {"candidates": ["inputs.half"], "reference": "inputs.whole", "verifications": ["v.verification"]}
    with pytest.raises(BongsuError) as caught:
        planned(verify, {"name": "r", "uses": "acme.enter", "inputs": inputs, "with": {"name": "light"}})
    assert [problem.code.name for problem in caught.value.problems] == ["policy.unverified-registration"]
    examined = verify | {"inputs": {"models": ["inputs.half"], "tokens": ["inputs.text"]}}
    planned(examined, {"name": "r", "uses": "acme.enter", "inputs": inputs, "with": {"name": "light"}})


def test_a_plan_from_before_there_were_roles_is_read_by_names() -> None:
    fields = json.loads(teaching("compress.distill", {}).model_dump_json())
    for name in ("roles", "compresses", "incidental"):
        del fields[name]
    del fields["workload"]["tokens_of_each"]
    old = PlannedStage.model_validate(fields)
    assert old.is_compression
    assert old.models(Role.SUBJECT) == (Source(stage_id=None, name="half"),)
    assert old.models(Role.TEACHER) == (Source(stage_id=None, name="whole"),)
    assert old.models(Role.BASELINE) == ()
