"""What streamed stages need is counted as their code computes."""

from __future__ import annotations

from typing import Any

import pytest

from bongsu.domain.plan import MemoryEstimate
from bongsu.domain.resources import Resources
from bongsu.planner.config_shapes import shape_of
from bongsu.planner.memory import estimate_memory
from bongsu.planner.published import AXK1
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
