"""Rules that every installed stage keeps."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from bongsu.domain.workload import WorkKind
from bongsu.service.catalogue import InstalledStages

STAGES = InstalledStages()
HEAVY = ("torch", "ray", "transformers", "mlflow", "pandas", "pyarrow", "numpy", "compressed_tensors", "peft")

TRAINING = {"steps": 1, "learningRate": 1e-3}
REQUIRED: dict[str, dict[str, Any]] = {
    "compress.distill": {"steps": 1},
    "compress.expert-prune": {"keepFraction": 0.5},
    "container": {"command": ["true"]},
    "registry.register": {"name": "light"},
    "train.continue": TRAINING,
    "train.finetune": TRAINING,
    "train.pretrain": TRAINING,
}
"""An example of every parameter that has no default."""
WORK = {
    "compress.distill": WorkKind.DISTILL,
    "compress.expert-prune": WorkKind.PRUNE_STREAMED,
    "compress.quantize": WorkKind.QUANTIZE_STREAMED,
    "evaluate.perplexity": WorkKind.INFERENCE,
    "evaluate.speed": WorkKind.INFERENCE,
    "evaluate.tasks": WorkKind.INFERENCE,
    "train.continue": WorkKind.TRAIN_FULL,
    "train.finetune": WorkKind.TRAIN_LORA,
    "train.pretrain": WorkKind.TRAIN_FULL,
    "verify.reload": WorkKind.INFERENCE,
}
"""Of stages that have a model in memory."""


def test_reading_every_signature_imports_nothing_heavy() -> None:
    code = (
        "import sys; from bongsu.service.catalogue import InstalledStages; s = InstalledStages();"
        f"[s[n] for n in s]; print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", list(STAGES))
def test_a_stage_says_what_it_does_and_what_its_parameters_mean(name: str) -> None:
    signature = STAGES[name]
    assert signature.name == name
    assert signature.doc.endswith("."), "the docstring's first paragraph is the description"
    assert signature.code.startswith("sha256-")
    assert signature.outputs or name.startswith("evaluate")
    for field_name, field in signature.params.model_fields.items():
        assert field.description, f"{name}: parameter {field_name} has no description"
    for port_name, port in {**signature.inputs, **signature.outputs}.items():
        assert port.doc, f"{name}: port {port_name} has no description"


@pytest.mark.parametrize("name", list(STAGES))
def test_what_is_incidental_is_a_parameter_as_files_write_it(name: str) -> None:
    aliases = {field.alias for field in STAGES[name].params.model_fields.values()}
    assert aliases >= STAGES[name].incidental


@pytest.mark.parametrize("name", list(STAGES))
def test_a_workload_comes_from_the_least_that_a_stage_must_be_told(name: str) -> None:
    signature = STAGES[name]
    params = signature.params.model_validate(REQUIRED.get(name, {}))
    assert signature.workload(params, 128).kind is WORK.get(name, WorkKind.LIGHT)
    for told in REQUIRED.get(name, {}):
        with pytest.raises(ValueError, match=told):
            signature.params.model_validate({k: v for k, v in REQUIRED[name].items() if k != told})
