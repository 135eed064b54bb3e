"""Of any config.json there are faults or a plan, and never an error of Python."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from published_models import AXK1, AXK2_LIGHT

from bongsu.domain.config_faults import config_faults
from bongsu.domain.resources import Resources
from bongsu.domain.workload import WorkKind, Workload
from bongsu.planner.config_shapes import shape_of
from bongsu.planner.cost import gpu_hours
from bongsu.planner.memory import estimate_memory
from bongsu_stages.compress.row_lengths import row_lengths

BASES: list[dict[str, Any]] = [
    AXK1,
    AXK2_LIGHT,
    {**AXK1, "model_type": "deepseek_v3"},
    {**AXK1, "model_type": "llama"},
    {},
]
KEYS = sorted(
    AXK1.keys()
    | AXK2_LIGHT.keys()
    | {
        "num_key_value_heads",
        "head_dim",
        "qk_head_dim",
        "topk_group",
        "first_k_dense_replace",
        "moe_layer_freq",
        "mlp_layer_types",
        "attention_bias",
        "tie_word_embeddings",
        "architectures",
        "quantization_config",
    }
)
VALUES = st.one_of(
    st.none(),
    st.integers(-1, 5),
    st.sampled_from(["", "2", "axk1", "axk2", "deepseek_v3", "qwen3"]),
    st.booleans(),
    st.floats(),
    st.lists(st.sampled_from(["dense", "sparse", 1, None]), max_size=3),
    st.just({}),
)
configs = st.builds(
    lambda base, change: base | change,
    st.sampled_from(BASES),
    st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4),
)


@given(configs, st.sampled_from(list(WorkKind)))
def test_a_shape_or_none(config: dict[str, Any], kind: WorkKind) -> None:
    shape = shape_of(config)
    lengths = list(row_lengths(config))
    if any(config_faults(config)):
        assert shape is None
        assert not lengths
    if shape is not None:
        work = Workload(kind=kind, tokens=10, adapter_rank=2, adapts_experts=True, hessians=True)
        resources = Resources(gpus_per_worker=1)
        assert estimate_memory(shape, work, resources).total > 0
        hours = gpu_hours(shape, work, resources)
        assert (hours is None) == (kind is WorkKind.LIGHT)
        assert hours is None or hours >= 0


@pytest.mark.parametrize("config", [AXK1, AXK2_LIGHT])
@pytest.mark.parametrize("key", ["n_shared_experts", "first_k_dense_replace", "moe_layer_freq", "gated_norm_rank"])
@pytest.mark.parametrize("value", [None, 0])
def test_what_the_classes_read_or_refuse(config: dict[str, Any], key: str, value: Any) -> None:
    written = config | {key: value}
    assert (shape_of(written) is None) == any(config_faults(written))
