"""Rules that every installed stage keeps."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bongsu.service.catalogue import InstalledStages

STAGES = InstalledStages()
HEAVY = ("torch", "ray", "transformers", "mlflow", "pandas", "pyarrow", "numpy", "compressed_tensors", "peft")


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
def test_a_workload_comes_from_the_defaults_of_a_stage(name: str) -> None:
    signature = STAGES[name]
    required = [field for field in signature.params.model_fields.values() if field.is_required()]
    if not required:
        assert signature.workload(signature.params(), 128).micro_batch >= 1
