"""The memory that the planner expects of real stages lies above their real peaks on a CPU, and not far above.

Each measurement has a process of its own, which runs the stage on a model of almost no size first; the peak is what the
second run takes beyond that. As in ``test_memory_against_peaks``, freed tensors go back at once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import tiny_training as tiny
from test_memory_against_peaks import GIVE_BACK, MIXTURE

from bongsu.artifacts.local import LocalStore
from bongsu.domain.ids import Digest
from bongsu.domain.resources import Resources
from bongsu.planner.config_shapes import shape_of
from bongsu.planner.memory import estimate_memory
from bongsu_stages.runtime.catalogue import load_stage

PROBE = Path(__file__).with_name("stage_peak_probe.py")
SUPPORT = Path(__file__).parents[2] / "support"
LENGTH = 256
LOWEST, HIGHEST = 1.0, 1.8
# Ups and downs of a Python process that does nothing in particular, seen beside 30 MB of a small stage.
NOISE = 4_000_000
# What a process keeps after the stage, beyond what it had before.
MOST_LEFT = 40_000_000
TOKENS = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 1, "max_position_embeddings": 512}
SIZES: dict[str, dict[str, int]] = {
    "none": {
        "hidden_size": 64,
        "intermediate_size": 64,
        "moe_intermediate_size": 64,
        "num_hidden_layers": 2,
        "vocab_size": 300,
    },
    "small": {"num_hidden_layers": 3},
    "wide": {
        "hidden_size": 768,
        "intermediate_size": 1536,
        "moe_intermediate_size": 512,
        "num_hidden_layers": 3,
        "vocab_size": 2000,
        "n_routed_experts": 8,
        "n_group": 2,
        "topk_group": 1,
    },
    "matrix": {
        "hidden_size": 1024,
        "intermediate_size": 8192,
        "num_hidden_layers": 2,
        "n_routed_experts": 4,
        "n_group": 2,
        "topk_group": 1,
        "vocab_size": 2000,
    },
    "vocabulary": {"hidden_size": 384, "num_hidden_layers": 2, "vocab_size": 64000},
}


@dataclass(frozen=True)
class Case:
    """A stage with its parameters, and the ports that get the model and the tokens."""

    uses: str
    params: dict[str, Any]
    models: tuple[str, ...] = ("model",)
    texts: tuple[str, ...] = ()
    chats: tuple[str, ...] = field(default=())


TRAINING = {"steps": 2, "learningRate": 1e-3, "microBatch": 4}
CASES = {
    "prune": Case(
        "compress.expert-prune", {"keepFraction": 0.5, "calibrationSequences": 32}, texts=("calibration",)
    ),
    "rounding": Case("compress.quantize", {"groupSize": 32}),
    "gptq": Case(
        "compress.quantize", {"groupSize": 32, "method": "gptq", "calibrationSequences": 32}, texts=("calibration",)
    ),
    "fp8": Case("compress.quantize", {"scheme": "FP8"}),
    "finetune": Case("train.finetune", {**TRAINING, "sequenceLength": LENGTH}, chats=("examples",)),
    "distill": Case("compress.distill", TRAINING, models=("student", "teacher"), texts=("tokens",)),
}
MEASURED = [
    ("prune", "small"),
    ("prune", "wide"),
    ("rounding", "matrix"),
    ("rounding", "vocabulary"),
    ("gptq", "small"),
    ("gptq", "wide"),
    ("fp8", "small"),
    ("fp8", "matrix"),
    ("fp8", "vocabulary"),
    ("finetune", "small"),
    ("finetune", "wide"),
    ("distill", "small"),
    ("distill", "wide"),
]


class Inputs:
    """Models of several sizes, tokens and conversations in one store."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.store = LocalStore(root / "store")
        tiny.write_tokenizer(root / "tokenizer")
        tiny.write_tokens(root / "tokens", root / "tokenizer", length=LENGTH)
        self.tokens = tiny.commit(self.store, "tokens", root / "tokens")
        (root / "chats").mkdir()
        said = [{"role": "user", "content": "주권은?"}, {"role": "assistant", "content": "국민에게 있고 " * 60}]
        (root / "chats" / "chats.jsonl").write_text((json.dumps({"messages": said}) + "\n") * 64)
        self.chats = tiny.commit(self.store, "chats", root / "chats")

    @staticmethod
    def config(size: str) -> dict[str, Any]:
        return {**MIXTURE, **TOKENS, **SIZES[size]}

    @cache  # noqa: B019 (one object for all tests)
    def model(self, size: str) -> Digest:
        import torch

        from bongsu_stages.models.loading import model_class
        from bongsu_stages.models.saving import Origin, save_model

        config = self.config(size)
        torch.manual_seed(0)
        cls = model_class(config)
        model = cls(cls.config_class.from_dict(config))
        save_model(model, Origin(config, self._root / "tokenizer"), self._root / size)
        return tiny.commit(self.store, size, self._root / size)

    def of(self, case: Case, size: str) -> dict[str, list[list[str]]]:
        found = {port: [["model", "model", self.model(size)]] for port in case.models}
        found |= {port: [["tokens", "tokens", self.tokens]] for port in case.texts}
        return found | {port: [["chats", "files", self.chats]] for port in case.chats}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return Inputs(tmp_path_factory.mktemp("peaks"))


@pytest.mark.parametrize(("name", "size"), MEASURED)
def test_estimates_are_held_to_the_peaks_of_real_stages(inputs: Inputs, name: str, size: str) -> None:
    case = CASES[name]
    task = {
        "store": str(inputs.store.root),
        "uses": case.uses,
        "params": case.params,
        "inputs": inputs.of(case, size),
        "warm": inputs.of(case, "none"),
    }
    done = subprocess.run(
        [sys.executable, str(PROBE), json.dumps(task)],
        env={**os.environ, **GIVE_BACK, "PYTHONPATH": str(SUPPORT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    measured = json.loads(done.stdout.splitlines()[-1])
    taken = measured["peak"] - measured["before"]
    shape = shape_of(inputs.config(size))
    assert shape is not None
    signature = load_stage(case.uses).signature
    work = signature.workload(signature.params.model_validate(case.params), LENGTH)
    expected = estimate_memory(shape, work, Resources(cpus_per_worker=2))
    ratio = (expected.total - expected.runtime) / max(1, taken - NOISE)
    print(f"{name} of {size}: {taken / 1e6:.0f} MB taken, {ratio:.2f} of that expected")
    assert LOWEST <= ratio <= HIGHEST
    assert measured["after"] - measured["before"] < MOST_LEFT
