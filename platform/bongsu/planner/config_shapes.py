"""From ``config.json`` to parameter counts, component by component.

Follows the layer definitions of transformers' ``axk1`` (A.X K1: DeepSeek-V3 attention and experts, one more norm
behind each expert block), ``axk2`` (A.X K2: query and output gate in one projection, DSA indexer, gated norms),
``deepseek_v3``, and of plain decoders (``llama`` and those built like it). A test compares every count with the
real classes on the meta device.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bongsu.planner.model_shape import AttentionShape, ModelShape

Config = Mapping[str, Any]
_LATENT = ("axk1", "axk2", "deepseek_v3")
_NEEDED_LATENT = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "vocab_size",
    "intermediate_size",
    "moe_intermediate_size",
    "n_routed_experts",
    "num_experts_per_tok",
    "q_lora_rank",
    "kv_lora_rank",
    "qk_nope_head_dim",
    "qk_rope_head_dim",
    "v_head_dim",
)
_NEEDED_PLAIN = ("hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size", "intermediate_size")
# Biases and norms that the class has whether or not the configuration mentions them.
_ALWAYS_QUERY_BIAS = frozenset({"qwen2"})
_ALWAYS_HEAD_NORMS = frozenset({"qwen3", "qwen3_moe"})


def shape_of(config: Config) -> ModelShape | None:
    """Counts of a known architecture; None where the configuration does not tell."""
    if config.get("model_type") in _LATENT:
        return _latent(config) if all(config.get(name) for name in _NEEDED_LATENT) else None
    return _plain(config) if all(config.get(name) for name in _NEEDED_PLAIN) else None


def _latent(config: Config) -> ModelShape:
    hidden, layers = config["hidden_size"], config["num_hidden_layers"]
    width, experts = config["moe_intermediate_size"], config["n_routed_experts"]
    sparse = sum(kind == "sparse" for kind in _layer_kinds(config))
    shared = width * config.get("n_shared_experts", 1)
    kind = config["model_type"]
    widths = _latent_widths(config)
    return ModelShape(
        embeddings=_embeddings(config),
        attention=layers * _latent_attention(hidden, widths, bool(config.get("attention_bias"))),
        indexer=layers * _indexer(hidden, widths),
        dense=(layers - sparse) * 3 * hidden * config["intermediate_size"],
        shared_experts=sparse * 3 * hidden * shared,
        routed_experts=sparse * experts * 3 * hidden * width,
        router=sparse * experts * hidden,
        norms=_norms(config, layers, sparse),
        hidden=hidden,
        vocabulary=config["vocab_size"],
        layers=layers,
        sparse_layers=sparse,
        widths=widths,
        intermediate=config["intermediate_size"],
        expert_width=width,
        shared_width=shared,
        experts=experts,
        experts_per_token=config["num_experts_per_tok"],
        gate_rank=config.get("gated_norm_rank", 16) if kind == "axk2" else 0,
        block_norm=kind == "axk1",
    )


def _latent_widths(config: Config) -> AttentionShape:
    is_k2 = config["model_type"] == "axk2"
    return AttentionShape(
        heads=config["num_attention_heads"],
        key_width=config["qk_nope_head_dim"] + config["qk_rope_head_dim"],
        value_width=config["v_head_dim"],
        key_heads=config["num_attention_heads"],
        query_rank=config["q_lora_rank"],
        key_rank=config["kv_lora_rank"],
        rope_width=config["qk_rope_head_dim"],
        index_heads=config.get("index_n_heads", 16) if is_k2 else 0,
        index_width=config.get("index_head_dim", 128) if is_k2 else 0,
        gated=is_k2,
    )


def _layer_kinds(config: Config) -> list[str]:
    given = config.get("mlp_layer_types")
    if given:
        return list(given)
    default = 3 if config["model_type"] == "deepseek_v3" else 1
    first, every = config.get("first_k_dense_replace", default), config.get("moe_layer_freq", 1)
    return ["sparse" if n >= first and n % every == 0 else "dense" for n in range(config["num_hidden_layers"])]


def _latent_attention(hidden: int, widths: AttentionShape, bias: bool) -> int:
    """One layer: down and up projections, their two norms, and the output projection."""
    heads, query, key = widths.heads, widths.query_rank, widths.key_rank
    nope = widths.key_width - widths.rope_width
    down = hidden * query + query + hidden * (key + widths.rope_width) + key
    if bias:
        down += query + key + widths.rope_width + hidden
    # With a gate the query's projection reads the compressed query twice (normed and plain) and writes the gate.
    read = 2 * query if widths.gated else query
    written = widths.key_width + (widths.value_width if widths.gated else 0)
    up = read * heads * written + key * heads * (nope + widths.value_width)
    return down + up + heads * widths.value_width * hidden


def _indexer(hidden: int, widths: AttentionShape) -> int:
    """One layer: query from the compressed query, one key, its norm with bias, and a weight for each head."""
    width, heads = widths.index_width, widths.index_heads
    return widths.query_rank * heads * width + hidden * width + 2 * width + hidden * heads if heads else 0


def _norms(config: Config, layers: int, sparse: int) -> int:
    hidden, kind = config["hidden_size"], config["model_type"]
    plain: int = hidden * (2 * layers + 1)
    if kind == "axk2":
        return int(plain + 2 * hidden * config.get("gated_norm_rank", 16) * (layers + sparse))
    return plain + (int(hidden * sparse) if kind == "axk1" else 0)


def _embeddings(config: Config) -> int:
    copies = 1 if config.get("tie_word_embeddings") else 2
    return copies * int(config["vocab_size"]) * int(config["hidden_size"])


def _plain(config: Config) -> ModelShape:
    """Grouped-query attention and a gated feed-forward block."""
    hidden, layers, heads = config["hidden_size"], config["num_hidden_layers"], config["num_attention_heads"]
    width = config.get("head_dim") or hidden // heads
    key_heads = config.get("num_key_value_heads") or heads
    kind = config.get("model_type")
    attention = hidden * width * (2 * heads + 2 * key_heads)
    if config.get("attention_bias") or kind in _ALWAYS_QUERY_BIAS:
        attention += width * (heads + 2 * key_heads) + (hidden if kind not in _ALWAYS_QUERY_BIAS else 0)
    if kind in _ALWAYS_HEAD_NORMS:
        attention += 2 * width
    return ModelShape(
        embeddings=_embeddings(config),
        attention=layers * attention,
        indexer=0,
        dense=layers * 3 * hidden * config["intermediate_size"],
        shared_experts=0,
        routed_experts=0,
        router=0,
        norms=hidden * (2 * layers + 1),
        hidden=hidden,
        vocabulary=config["vocab_size"],
        layers=layers,
        sparse_layers=0,
        widths=AttentionShape(heads, width, width, key_heads),
        intermediate=config["intermediate_size"],
    )
