"""Parameter counts equal those of transformers' classes, built without memory on the meta device."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers
from published_models import AXK1, AXK2_LIGHT

from bongsu.domain.config_faults import config_faults
from bongsu.planner.config_shapes import shape_of
from bongsu.planner.hessians import hessian_numbers

SMALL: dict[str, Any] = {
    "vocab_size": 500,
    "hidden_size": 64,
    "intermediate_size": 96,
    "moe_intermediate_size": 32,
    "num_hidden_layers": 5,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "n_shared_experts": 2,
    "n_routed_experts": 8,
    "kv_lora_rank": 24,
    "q_lora_rank": 40,
    "qk_rope_head_dim": 8,
    "v_head_dim": 12,
    "qk_nope_head_dim": 16,
    "n_group": 4,
    "topk_group": 2,
    "num_experts_per_tok": 2,
    "bos_token_id": 0,
    "eos_token_id": 0,
}
# Without the groups of experts, of which A.X K2 has both figures or none.
NULLABLE = (
    *(SMALL.keys() - {"n_group", "topk_group"}),
    "qk_head_dim",
    "head_dim",
    "first_k_dense_replace",
    "moe_layer_freq",
    "mlp_layer_types",
    "index_n_heads",
    "index_head_dim",
    "gated_norm_rank",
)


def count(name: str, **fields: Any) -> tuple[int, dict[str, Any]]:
    config = getattr(transformers, f"{name}Config")(**fields)
    with torch.device("meta"):
        model = getattr(transformers, f"{name}ForCausalLM")(config)
    return sum(parameter.numel() for parameter in model.parameters()), config.to_dict()


@pytest.mark.parametrize("name", ["AXK1", "AXK2"])
@pytest.mark.parametrize(
    "change",
    [{}, {"first_k_dense_replace": 2}, {"moe_layer_freq": 2}, {"n_shared_experts": 1}, {"attention_bias": True}],
    ids=str,
)
def test_small_models_of_every_kind(name: str, change: dict[str, Any]) -> None:
    expected, config = count(name, **SMALL | change)
    shape = shape_of(config)
    assert shape is not None
    assert shape.total == expected


FAMILIES = {"axk1": "AXK1", "axk2": "AXK2", "deepseek_v3": "DeepseekV3"}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"first_k_dense_replace": 2},
        {"moe_layer_freq": 2},
        {"mlp_layer_types": ["sparse", "dense", "sparse", "dense", "sparse"]},
        {"mlp_layer_types": None},
    ],
    ids=str,
)
def test_files_as_they_were_written(family: str, change: dict[str, Any]) -> None:
    """What a class does not read, or has a value of its own for, is resolved as the class resolves it."""
    written = {**SMALL, "model_type": family, **change}
    del written["n_shared_experts"]
    expected, _ = count(FAMILIES[family], **written)
    shape = shape_of(written)
    assert shape is not None
    assert shape.total == expected


@pytest.mark.parametrize("family", FAMILIES)
def test_nulls_are_faults_where_the_class_refuses_them(family: str) -> None:
    for key in NULLABLE:
        written = {**SMALL, "model_type": family, key: None}
        said = list(config_faults(written))
        try:
            count(FAMILIES[family], **written)
        except Exception:  # each class has its own way to say it
            assert said, key
        else:
            assert not said, key


@pytest.mark.parametrize(("name", "published"), [("AXK1", AXK1), ("AXK2", AXK2_LIGHT)])
def test_the_published_models(name: str, published: dict[str, Any]) -> None:
    expected, config = count(name)
    assert {field: config[field] for field in published} == {**published}
    shape = shape_of(published)
    assert shape is not None
    assert shape.total == expected


@pytest.mark.parametrize("name", ["Llama", "Qwen2", "Qwen3", "Mistral"])
def test_plain_decoders(name: str) -> None:
    fields = {
        "vocab_size": 500,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "tie_word_embeddings": False,
    }
    expected, config = count(name, **fields)
    shape = shape_of(config)
    assert shape is not None
    assert shape.total == expected


@pytest.mark.parametrize("name", ["AXK1", "AXK2"])
@pytest.mark.parametrize("change", [{}, {"intermediate_size": 400}, {"first_k_dense_replace": 0}], ids=str)
def test_second_moments_are_those_of_every_linear_map(name: str, change: dict[str, Any]) -> None:
    """Of the layer that has most of them; a routed expert has one input, and one before its last projection."""
    config = getattr(transformers, f"{name}Config")(**SMALL | change)
    with torch.device("meta"):
        model = getattr(transformers, f"{name}ForCausalLM")(config)
    experts = SMALL["n_routed_experts"] * (SMALL["hidden_size"] ** 2 + SMALL["moe_intermediate_size"] ** 2)
    found = []
    for layer, kind in zip(model.model.layers, config.mlp_layer_types, strict=True):
        linear = [module for module in layer.modules() if isinstance(module, torch.nn.Linear)]
        found.append(sum(module.in_features**2 for module in linear) + (experts if kind == "sparse" else 0))
    shape = shape_of(config.to_dict())
    assert shape is not None
    assert hessian_numbers(shape) == max(found)
