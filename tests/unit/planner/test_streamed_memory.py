"""What streamed stages need is counted as their code computes."""

from __future__ import annotations

from typing import Any

import pytest
from published_models import AXK1

from bongsu.domain.plan import MemoryEstimate
from bongsu.domain.resources import Resources
from bongsu.planner.config_shapes import shape_of
from bongsu.planner.memory import estimate_memory
from bongsu_stages.runtime.catalogue import load_stage

K1 = shape_of(AXK1)
STAGES: dict[str, dict[str, Any]] = {
    "compress.expert-prune": {"keepFraction": 0.5, "calibrationSequences": 512},
    "compress.quantize": {"method": "gptq", "calibrationSequences": 512},
}


def needed(uses: str, length: int, **resources: Any) -> MemoryEstimate:
    signature = load_stage(uses).signature
    work = signature.workload(signature.params.model_validate(STAGES[uses]), length)
    assert K1 is not None
    return estimate_memory(K1, work, Resources(**resources))


@pytest.mark.parametrize("uses", STAGES)
def test_a_layer_computes_in_fp32_on_a_gpu_too(uses: str) -> None:
    signature = load_stage(uses).signature
    work = signature.workload(signature.params.model_validate(STAGES[uses]), 2048)
    assert (work.weight_bytes, work.activation_bytes) == (4.0, 4.0)


@pytest.mark.parametrize("uses", STAGES)
def test_a_gpu_sees_one_layer_and_one_batch_and_main_memory_the_rest(uses: str) -> None:
    assert K1 is not None
    layer, states = 4 * K1.largest_layer, 4 * K1.hidden * 2048 * (512 + 8)
    on_gpu, on_cpu = needed(uses, 2048, gpus_per_worker=1), needed(uses, 2048)
    assert on_gpu.weights == layer
    assert layer + states < on_gpu.host < 1.1 * (layer + states)
    assert on_cpu.host == 0
    assert on_cpu.total > on_gpu.total - on_gpu.activations + states
    more = needed(uses, 4096, gpus_per_worker=1)
    assert more.host - on_gpu.host == states


def test_what_is_only_read_and_written_needs_no_gpu() -> None:
    signature = load_stage("compress.quantize").signature
    work = signature.workload(signature.params.model_validate({}), 2048)
    assert K1 is not None
    on_gpu, on_cpu = (estimate_memory(K1, work, Resources(gpus_per_worker=count)) for count in (1, 0))
    assert on_gpu.total == on_gpu.runtime
    assert on_gpu.host == on_cpu.total - on_cpu.runtime > 0
