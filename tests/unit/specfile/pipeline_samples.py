"""A small catalogue and a pipeline for the tests of files and matrices."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from bongsu.domain.pipeline import PipelineSpec
from bongsu.domain.ports import Documents, Evaluation, Files, Model, Port, Tokens
from bongsu.domain.resources import Bytes, Duration
from bongsu.domain.stages import Params, StageSignature


class Scheme(StrEnum):
    W4A16 = "W4A16"
    FP8 = "FP8"


class NoParams(Params):
    """Nothing to set."""


class CurateParams(Params):
    languages: tuple[str, ...] = Field(default=("ko",), description="ISO 639-1 codes to keep")
    shard_size: Bytes = Field(default=2**26, description="Bytes per part")


class Schedule(Params):
    kind: Literal["cosine", "linear"] = Field(default="cosine", description="Shape")
    warmup_steps: int = Field(default=0, ge=0, description="Steps")


class TrainParams(Params):
    steps: int = Field(ge=1, description="Optimizer steps")
    learning_rate: float = Field(default=1e-3, gt=0, le=1, description="Peak, per step")
    schedule: Schedule = Schedule()
    checkpoint_every: Duration | None = Field(default=None, description="Time between checkpoints")
    seed: int = Field(default=0, description="Seed")


class PruneParams(Params):
    keep_fraction: float = Field(gt=0, le=1, description="Share of experts that stay")
    seed: int = Field(default=0, description="Seed")


class QuantizeParams(Params):
    scheme: Scheme = Field(default=Scheme.W4A16, description="Number format")
    group_size: int = Field(default=32, ge=1, description="Weights per scale")


class EvaluateParams(Params):
    names: tuple[str, ...] = Field(default=(), description="One for each data set")
    bounds: dict[str, float] = Field(default_factory=dict, description="Largest figure allowed, by name")


def _signature(
    name: str, params: type[Params], inputs: dict[str, Port], outputs: dict[str, Port], **more: Any
) -> StageSignature:
    return StageSignature(name=name, params=params, inputs=inputs, outputs=outputs, **more)


CATALOGUE: dict[str, StageSignature] = {
    s.name: s
    for s in (
        _signature("data.curate", CurateParams, {"documents": Files()}, {"documents": Documents()}),
        _signature(
            "data.tokenize",
            NoParams,
            {"documents": Documents(), "tokenizer": Model(optional=True)},
            {"tokens": Tokens()},
        ),
        _signature(
            "train.continue",
            TrainParams,
            {"model": Model(), "tokens": Tokens(many=True)},
            {"model": Model()},
            distributed=True,
        ),
        _signature(
            "compress.expert-prune",
            PruneParams,
            {"model": Model(), "calibration": Tokens(many=True, optional=True)},
            {"model": Model()},
        ),
        _signature(
            "compress.distill",
            TrainParams,
            {"student": Model(), "teacher": Model(), "tokens": Tokens(many=True, optional=True)},
            {"model": Model()},
            distributed=True,
        ),
        _signature("compress.quantize", QuantizeParams, {"model": Model()}, {"model": Model()}),
        _signature(
            "evaluate.perplexity",
            EvaluateParams,
            {"models": Model(many=True), "tokens": Tokens(many=True, optional=True)},
            {"evaluation": Evaluation()},
        ),
        _signature(
            "probe",
            NoParams,
            {"after": Files(many=True, optional=True), "one": Files(optional=True)},
            {"files": Files()},
        ),
    )
}

HEAD = """\
apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: sample, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Draft and search documents}
  parameters:
    - {name: steps, default: 80}
    - {name: share, default: 0.5}
    - {name: register, default: true}
    - {name: word, default: law}
  inputs:
    base: {model: "models:/base/1"}
    law: {dataset: "datasets:/law/1"}
    general: {dataset: "datasets:/general/1"}
  stages:
"""
"""The file up to its stages: the next line is line 16, its items are indented by four."""


def spec_of(stages: list[dict[str, Any]], **body: Any) -> PipelineSpec:
    """A spec with these stages, its shape validated and nothing else."""
    inputs = {
        "base": {"model": "models:/base/1"},
        "law": {"dataset": "datasets:/law/1"},
        "general": {"dataset": "datasets:/general/1"},
    }
    return PipelineSpec.model_validate(
        {
            "apiVersion": "bongsu.dev/v1alpha1",
            "kind": "Pipeline",
            "metadata": {"name": "sample", "ministry": "mnd"},
            "spec": {
                "purpose": {"useClass": "administration", "statement": "Draft and search documents"},
                "parameters": [{"name": "steps", "default": 80}, {"name": "register", "default": True}],
                "inputs": inputs,
                "stages": stages,
                **body,
            },
        }
    )
