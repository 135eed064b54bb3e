"""The memory that the planner expects lies above the real peak of a process on a CPU, and not far above."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bongsu.domain.resources import Resources
from bongsu.domain.workload import WorkKind, Workload
from bongsu.planner.config_shapes import shape_of
from bongsu.planner.memory import estimate_memory

PROBE = Path(__file__).with_name("peak_probe.py")
MIXTURE: dict[str, Any] = {
    "model_type": "axk1",
    "vocab_size": 8000,
    "hidden_size": 512,
    "intermediate_size": 1024,
    "moe_intermediate_size": 256,
    "num_hidden_layers": 6,
    "num_attention_heads": 8,
    "num_key_value_heads": 8,
    "n_shared_experts": 1,
    "n_routed_experts": 16,
    "kv_lora_rank": 64,
    "q_lora_rank": 128,
    "qk_rope_head_dim": 16,
    "v_head_dim": 48,
    "qk_nope_head_dim": 32,
    "n_group": 4,
    "topk_group": 2,
    "num_experts_per_tok": 2,
    "first_k_dense_replace": 1,
}
DENSE: dict[str, Any] = {
    "model_type": "llama",
    "vocab_size": 8000,
    "hidden_size": 512,
    "intermediate_size": 1536,
    "num_hidden_layers": 10,
    "num_attention_heads": 8,
    "num_key_value_heads": 8,
}
# What is added up is not all there at once, and the allocator keeps something of its own.
LOWEST, HIGHEST = 0.75, 2.0


@pytest.mark.parametrize("config", [DENSE, MIXTURE], ids=["dense", "mixture"])
@pytest.mark.parametrize(
    ("kind", "checkpoint"),
    [
        (WorkKind.TRAIN_FULL, False),
        (WorkKind.TRAIN_FULL, True),
        (WorkKind.TRAIN_LORA, False),
        (WorkKind.DISTILL, False),
        (WorkKind.INFERENCE, False),
    ],
)
def test_estimates_are_held_to_real_peaks(config: dict[str, Any], kind: WorkKind, checkpoint: bool) -> None:
    task = {"config": config, "kind": kind.value, "batch": 8, "length": 256, "checkpoint": checkpoint}
    done = subprocess.run(
        [sys.executable, str(PROBE), json.dumps(task)], capture_output=True, text=True, timeout=300, check=True
    )
    measured = json.loads(done.stdout.splitlines()[-1])
    taken = measured["peak"] - measured["before"]
    shape = shape_of(config)
    assert shape is not None
    work = Workload(
        kind=kind,
        micro_batch=8,
        sequence_length=256,
        trainable_fraction=0.01 if kind is WorkKind.TRAIN_LORA else 1.0,
        checkpoint_activations=checkpoint,
    )
    expected = estimate_memory(shape, work, Resources())
    ratio = (expected.total - expected.runtime) / taken
    print(f"{config['model_type']} {kind}: {taken / 1e6:.0f} MB taken, {ratio:.2f} of it expected")
    assert LOWEST <= ratio <= HIGHEST
