"""Figures of a ``config.json`` of which there is no model, whatever its architecture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# Beyond what any model has; more is a slip, and would take for ever to count.
_MOST = {"num_hidden_layers": 10_000, "n_routed_experts": 1_000_000, "vocab_size": 100_000_000}
_MOST_OF_ALL = 10_000_000
_COUNTS = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "vocab_size",
    "intermediate_size",
)
# May be absent, null or zero: then a model does without, or its class has a value of its own.
_COUNTS_OR_NONE = (
    "num_key_value_heads",
    "moe_intermediate_size",
    "n_routed_experts",
    "num_experts_per_tok",
    "q_lora_rank",
    "kv_lora_rank",
    "qk_nope_head_dim",
    "qk_rope_head_dim",
    "qk_head_dim",
    "v_head_dim",
    "head_dim",
    "n_shared_experts",
    "first_k_dense_replace",
    "index_n_heads",
    "index_head_dim",
    "gated_norm_rank",
    "moe_layer_freq",
)
_KINDS: dict[str, tuple[type, str]] = {
    "model_type": (str, "a text"),
    "architectures": (list, "a list"),
    "mlp_layer_types": (list, "a list"),
    "quantization_config": (dict, "an object"),
}


def config_faults(config: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong, in words, each with its key; what is absent is not."""
    for name in (*_COUNTS, *_COUNTS_OR_NONE):
        if name not in config:
            continue
        value, most = config[name], _MOST.get(name, _MOST_OF_ALL)
        if name in _COUNTS_OR_NONE and (value is None or _is_count(value, 0, most)):
            continue
        if not _is_count(value, 1, most):
            yield f"{name} is {str(value)[:40]!r} and not a whole number from 1 to {most:,}"
    for name, (kind, words) in _KINDS.items():
        if config.get(name) is not None and not isinstance(config[name], kind):
            yield f"{name} is {str(config[name])[:40]!r} and not {words}"


def _is_count(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
