"""The JSON Schema: current, itself valid, and of one mind with the checks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from bongsu.specfile import schema
from bongsu.specfile.starter import starter

sys.path.insert(0, str(Path(__file__).parent))
from pipeline_samples import CATALOGUE, HEAD

ROOT = Path(__file__).parents[3]
COMMITTED = ROOT / "docs" / "schema" / "pipeline.schema.json"
WITH_STAGES = Draft202012Validator(schema.pipeline_schema(CATALOGUE))


def errors_of(stage: str) -> list[str]:
    data = yaml.safe_load(HEAD + f"    - {stage}\n")
    return ["/".join(map(str, error.absolute_path)) for error in WITH_STAGES.iter_errors(data)]


def test_committed_schema_is_current() -> None:
    assert COMMITTED.read_text() == schema.text(), "run: python -m bongsu.specfile.schema > " + str(COMMITTED)


@pytest.mark.parametrize("catalogue", [None, CATALOGUE])
def test_schema_is_a_schema(catalogue: Any) -> None:
    Draft202012Validator.check_schema(schema.pipeline_schema(catalogue))


@pytest.mark.parametrize("text", [(ROOT / "pipelines" / "demo.yaml").read_text(), starter()])
def test_good_files_fit(text: str) -> None:
    validator = Draft202012Validator(json.loads(COMMITTED.read_text()))
    assert [error.message for error in validator.iter_errors(yaml.safe_load(text))] == []


@pytest.mark.parametrize(
    "stage",
    [
        "{name: a, uses: probe}",
        "{name: a, uses: probe, resources: {workers: '${params.steps}', memory: 4Gi}, timeout: 1h30m}",
        "{name: a, uses: train.continue, inputs: {model: x.y, tokens: [x.z]}, with: {steps: '${params.steps}'}}",
        "{name: a, uses: compress.quantize, inputs: {model: x.y}, with: {scheme: FP8}, matrix: {groupSize: [1]}}",
    ],
)
def test_good_stages_fit(stage: str) -> None:
    assert errors_of(stage) == []


@pytest.mark.parametrize(
    ("stage", "path"),
    [
        ("{uses: probe}", "spec/stages/0"),
        ("{name: a, uses: prob}", "spec/stages/0/uses"),
        ("{name: a, uses: probe, retires: {}}", "spec/stages/0"),
        ("{name: a, uses: probe, timeout: 5}", "spec/stages/0/timeout"),
        ("{name: a, uses: probe, matrix: {k: 1}}", "spec/stages/0/matrix"),
        ("{name: a, uses: probe, inputs: {two: inputs.base}}", "spec/stages/0/inputs"),
        ("{name: a, uses: compress.quantize}", "spec/stages/0"),
        (
            "{name: a, uses: compress.quantize, inputs: {model: x.y}, with: {scheme: W9}}",
            "spec/stages/0/with/scheme",
        ),
        ("{name: a, uses: compress.quantize, inputs: {model: x.y}, with: {size: 1}}", "spec/stages/0/with"),
    ],
)
def test_mistakes_do_not_fit(stage: str, path: str) -> None:
    assert path in errors_of(stage)


def test_parameters_of_stages_carry_their_descriptions() -> None:
    found = schema.pipeline_schema(CATALOGUE)["$defs"]["train.continue.with"]["properties"]
    assert found["learningRate"]["description"] == "Peak, per step"


def test_writing_makes_folders(tmp_path: Path) -> None:
    schema.write(tmp_path / "a" / "b.json", CATALOGUE)
    assert json.loads((tmp_path / "a" / "b.json").read_text()) == schema.pipeline_schema(CATALOGUE)
