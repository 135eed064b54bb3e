"""Configurations of which there is no model are told by their keys; those of real ones are not."""

from __future__ import annotations

from typing import Any

import pytest
from published_models import PUBLISHED

from bongsu.domain.config_faults import config_faults


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_models_have_no_fault(name: str) -> None:
    assert list(config_faults(PUBLISHED[name])) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("num_hidden_layers", "4"),
        ("num_hidden_layers", -1),
        ("num_hidden_layers", 99_999_999_999),
        ("hidden_size", None),
        ("hidden_size", 0),
        ("hidden_size", True),
        ("n_routed_experts", "many"),
        ("num_attention_heads", 0),
        ("vocab_size", float("inf")),
        ("q_lora_rank", "a"),
        ("qk_head_dim", "x"),
        ("head_dim", []),
        ("mlp_layer_types", 5),
        ("model_type", 5),
        ("architectures", "x"),
        ("quantization_config", []),
        ("n_group", "all"),
        ("n_shared_experts", None),
        ("first_k_dense_replace", None),
        ("moe_layer_freq", None),
        ("moe_layer_freq", 0),
        ("mlp_layer_types", [1, 2]),
    ],
)
def test_what_no_model_has_is_named(key: str, value: Any) -> None:
    (said,) = map(str, config_faults({"model_type": "axk1", key: value}))
    assert said.startswith(f"{key} is ")


def test_what_a_model_does_without_is_no_fault() -> None:
    without = {"q_lora_rank": None, "n_shared_experts": 0, "quantization_config": None}
    dense = {"num_key_value_heads": None, "n_routed_experts": None, "moe_layer_freq": None}
    assert list(config_faults(without | dense)) == []


def test_each_layer_has_its_type_and_nothing_else_is_read_then() -> None:
    unread = {"model_type": "axk1", "first_k_dense_replace": None, "moe_layer_freq": None}
    layers = {"num_hidden_layers": 3, "mlp_layer_types": ["dense", "sparse"]}
    (said,) = map(str, config_faults(unread | layers))
    assert said.startswith("mlp_layer_types is ")
    assert said.endswith("a text for each of 3 layers")
    assert list(config_faults(unread | layers | {"num_hidden_layers": 2})) == []
