"""Several mistakes in one file: each is told with its own code at its own place, whatever else is wrong."""

from __future__ import annotations

import itertools
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bongsu.domain.problems import BongsuError
from bongsu.specfile import loads

sys.path.insert(0, str(Path(__file__).parent))
from pipeline_samples import CATALOGUE

RIGHT = """\
apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata:
  name: sample
  ministry: mnd
spec:
  purpose:
    useClass: administration
    statement: Draft and search documents
  grant: gpu-2031
  classification:
    grade: O
  parameters:
    - {name: steps, default: 80}
  inputs:
    base: {model: "models:/base/1"}
    law: {dataset: "datasets:/law/1"}
  stages:
    - name: curate
      uses: data.curate
      inputs: {documents: inputs.law}
      with: {languages: [ko]}
    - name: tokenize
      uses: data.tokenize
      inputs: {documents: curate.documents}
    - name: adapt
      uses: train.continue
      inputs:
        model: inputs.base
        tokens: [tokenize.tokens]
      with:
        steps: ${params.steps}
        learningRate: 1.0e-3
      resources:
        workers: 2
        cpusPerWorker: 2
        gpusPerWorker: 1
        accelerator: H100-80GB
        memory: 80Gi
      retries: {limit: 2, backoff: 10s}
      timeout: 2h
    - name: prune
      uses: compress.expert-prune
      matrix: {keepFraction: [0.75, 0.5]}
      inputs: {model: adapt.model}
    - name: heal
      uses: compress.distill
      inputs:
        student: prune.model
        teacher: adapt.model
      with: {steps: 10}
    - name: quantize
      uses: compress.quantize
      inputs: {model: heal.model}
      with: {scheme: W4A16}
      environment:
        image: registry.mil/vllm@sha256:0000000000000000000000000000000000000000000000000000000000000000
        variables: {TOKENIZERS_PARALLELISM: "false"}
    - name: perplexity
      uses: evaluate.perplexity
      inputs:
        models: [adapt.model, "quantize[keepFraction=0.5].model"]
    - name: first
      uses: probe
      inputs: {one: perplexity.evaluation}
    - name: second
      uses: probe
      inputs: {after: [first.files]}
      when: params.steps > 10 and heal[keepFraction=0.5].metrics.loss < 3
"""


@dataclass(frozen=True)
class Fault:
    """A change of the right file. ``§`` stands where the mistake is to be reported."""

    name: str
    old: str
    new: str
    code: str


FAULTS = [
    Fault("misspelt key", "  name: sample", "  §nmae: sample", "unknown-key"),
    Fault("ministry", "ministry: mnd", "ministry: §MND!", "bad-text"),
    Fault("use class", "useClass: administration", "useClass: §administratoin", "not-allowed"),
    Fault("short statement", "statement: Draft and search documents", "statement: §Docs", "length"),
    Fault("no grant", "  grant: gpu-2031\n", "", "gpu-without-grant"),
    Fault("grade", "grade: O", "grade: §P", "not-allowed"),
    Fault("address", '"models:/base/1"', '§"modles:/base/1"', "input-uri"),
    Fault("misspelt stage kind", "uses: data.curate", "uses: §data.curat", "unknown-uses"),
    Fault("unknown stage kind", "uses: data.tokenize", "uses: §something.else", "unknown-uses"),
    Fault("unknown input", "documents: inputs.law", "documents: §inputs.lwa", "unknown-input"),
    Fault("tokens for a model", "model: inputs.base", "model: §tokenize.tokens", "wrong-port-type"),
    Fault("unknown parameter", "${params.steps}", "§${params.stpes}", "unknown-parameter"),
    Fault("text for a number", "learningRate: 1.0e-3", "learningRate: §fast", "wrong-type"),
    Fault("workers", "workers: 2", "workers: §0", "out-of-range"),
    Fault("cpus", "cpusPerWorker: 2", "cpusPerWorker: §two", "wrong-type"),
    Fault("gpus", "gpusPerWorker: 1", "gpusPerWorker: §-1", "out-of-range"),
    Fault("accelerator", "H100-80GB", "§H100-80G", "plan.unknown-accelerator"),
    Fault("memory", "memory: 80Gi", "memory: §80GB", "wrong-unit"),
    Fault("retries", "limit: 2", "limit: §99", "out-of-range"),
    Fault("backoff", "backoff: 10s", "backoff: §10", "wrong-unit"),
    Fault("timeout", "timeout: 2h", "timeout: §0s", "zero-timeout"),
    Fault("matrix value", "[0.75, 0.5]", "[§1.5, 0.5]", "out-of-range"),
    Fault("misspelt port", "inputs: {model: adapt.model}", "inputs: {§modle: adapt.model}", "unknown-port"),
    Fault("unknown stage", "student: prune.model", "student: §prnue.model", "unknown-stage"),
    Fault("unknown output", "teacher: adapt.model", "teacher: §adapt.modle", "unknown-output"),
    Fault("scheme", "scheme: W4A16", "scheme: §W4A61", "not-allowed"),
    Fault("gathers", "model: heal.model", 'model: §"heal[*].model"', "gather-at-single-port"),
    Fault("image", "vllm@sha256:" + 64 * "0", "vllm:latest", "image-not-pinned"),
    Fault("variable", "TOKENIZERS_PARALLELISM:", "§TOKENIZERS-PARALLELISM:", "variable-name"),
    Fault("unknown axis", '"quantize[keep', '§"quantize[kep', "unknown-axis"),
    Fault("cycle", "one: perplexity.evaluation", "one: second.files", "cycle"),
    Fault("condition", "params.steps >", "§params.stpes >", "unknown-parameter"),
    Fault(
        "duplicate key",
        "uses: evaluate.perplexity",
        "uses: evaluate.perplexity\n      §uses: probe",
        "duplicate-key",
    ),
]
BY_NAME = {fault.name: fault for fault in FAULTS}
# What stands nowhere in the changed line is reported elsewhere.
ELSEWHERE = {
    "no grant": "gpusPerWorker: 1",
    "image": "image: ",
    "cycle": "after: [first.files]",
}
HIDDEN = {
    # Whether GPUs are asked for at all is not known, and whether a grant pays for them.
    ("gpus", "no grant"),
    # What the stage puts out is not known either.
    ("unknown stage kind", "tokens for a model"),
    # The points of a stage hang on those of the stages before it: the axes are not known.
    *((fault, "unknown axis") for fault in ("unknown stage kind", "misspelt port", "unknown stage", "gathers")),
}


def _apply(faults: tuple[Fault, ...]) -> tuple[str, dict[str, tuple[int, int]]]:
    """The file with these faults, and line and column of each."""
    text = RIGHT
    for number, fault in enumerate(faults):
        assert text.count(fault.old) >= 1, fault
        text = text.replace(fault.old, fault.new.replace("§", f"§{number}§"), 1)
    places = {}
    for number, fault in enumerate(faults):
        mark = f"§{number}§"
        line, row = next(((at, row) for at, row in enumerate(text.splitlines(), 1) if mark in row), (0, ""))
        places[fault.name] = (line, len(re.sub("§\\d+§", "", row[: row.find(mark)])) + 1)
    return re.sub("§\\d+§", "", text), places


def _reported(text: str) -> set[tuple[str, int, int]]:
    with pytest.raises(BongsuError) as caught:
        loads(text, "f.yaml", CATALOGUE)
    found = set()
    for problem in caught.value.problems:
        assert problem.location is not None
        found.add((problem.code.name.removeprefix("spec."), problem.location.line, problem.location.column))
    return found


def _check(faults: tuple[Fault, ...]) -> None:
    text, places = _apply(faults)
    reported = _reported(text)
    names = {fault.name for fault in faults}
    for fault in faults:
        if any(hides in names and hidden == fault.name for hides, hidden in HIDDEN):
            continue
        if fault.name in ELSEWHERE:
            assert any(code == fault.code for code, _line, _column in reported), (fault, reported)
        else:
            assert (fault.code, *places[fault.name]) in reported, (fault, reported)
    assert len(reported) <= len(faults), f"more than was done: {reported}"


def test_the_file_is_right_without_faults() -> None:
    assert loads(RIGHT, "f.yaml", CATALOGUE).spec.metadata.name == "sample"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_fault_alone(fault: Fault) -> None:
    _check((fault,))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_pair_of_faults(fault: Fault) -> None:
    for other in itertools.islice(FAULTS, FAULTS.index(fault)):
        _check((other, fault))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(FAULTS), min_size=3, max_size=8, unique=True))
def test_many_faults_at_once(faults: list[Fault]) -> None:
    _check(tuple(sorted(faults, key=FAULTS.index)))
