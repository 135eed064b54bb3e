"""From a model's configuration to parameter counts, component by component.

Follows the layer definitions of transformers' ``axk1`` (A.X K1: DeepSeek-V3 attention and experts, one more norm
behind each expert block), ``axk2`` (A.X K2: query and output gate in one projection, DSA indexer, gated norms),
``deepseek_v3``, and of plain decoders (``llama`` and those built like it). A test compares every count with the
real classes on the meta device.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bongsu.domain.model_config import Experts, LatentWidths, ModelConfig
from bongsu.planner.model_shape import AttentionShape, ModelShape

# Biases and norms that the class has whether or not the configuration mentions them.
_ALWAYS_QUERY_BIAS = frozenset({"qwen2"})
_ALWAYS_HEAD_NORMS = frozenset({"qwen3", "qwen3_moe"})


def shape_of(config: Mapping[str, Any]) -> ModelShape | None:
    """Counts of a known architecture; None where ``config.json`` does not tell, or tells what no model has."""
    told = ModelConfig.of(config)
    if told is None:
        return None
    if told.latent is None or told.experts is None:
        return _plain(told)
    return _latent(told, told.latent, told.experts)


def _latent(config: ModelConfig, latent: LatentWidths, experts: Experts) -> ModelShape:
    hidden, layers, sparse = config.hidden, config.layers, sum(config.sparse)
    widths = _latent_widths(config, latent)
    return ModelShape(
        embeddings=_embeddings(config),
        attention=layers * _latent_attention(hidden, widths, config.has_bias),
        indexer=layers * _indexer(hidden, widths),
        dense=(layers - sparse) * 3 * hidden * config.intermediate,
        shared_experts=sparse * 3 * hidden * experts.shared_width,
        routed_experts=sparse * experts.routed * 3 * hidden * experts.width,
        router=sparse * experts.routed * hidden,
        norms=_norms(config, sparse),
        hidden=hidden,
        vocabulary=config.vocabulary,
        layers=layers,
        sparse_layers=sparse,
        widths=widths,
        intermediate=config.intermediate,
        expert_width=experts.width,
        shared_width=experts.shared_width,
        experts=experts.routed,
        experts_per_token=experts.per_token,
        gate_rank=config.gate_rank,
        block_norm=_has_block_norm(config),
    )


def _latent_widths(config: ModelConfig, latent: LatentWidths) -> AttentionShape:
    return AttentionShape(
        heads=config.heads,
        key_width=latent.plain_width + latent.rope_width,
        value_width=latent.value_width,
        key_heads=config.heads,
        query_rank=latent.query_rank,
        key_rank=latent.key_rank,
        rope_width=latent.rope_width,
        index_heads=latent.index_heads,
        index_width=latent.index_width,
        gated=latent.is_gated,
    )


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


def _norms(config: ModelConfig, sparse: int) -> int:
    hidden, layers = config.hidden, config.layers
    plain = hidden * (2 * layers + 1) + 2 * hidden * config.gate_rank * (layers + sparse)
    return plain + (hidden * sparse if _has_block_norm(config) else 0)


def _has_block_norm(config: ModelConfig) -> bool:
    return config.family == "axk1"


def _embeddings(config: ModelConfig) -> int:
    return (1 if config.ties_embeddings else 2) * config.vocabulary * config.hidden


def _plain(config: ModelConfig) -> ModelShape:
    """Grouped-query attention and a gated feed-forward block."""
    hidden, layers, heads = config.hidden, config.layers, config.heads
    width, key_heads, kind = config.head_width, config.key_heads, config.family
    attention = hidden * width * (2 * heads + 2 * key_heads)
    if config.has_bias or kind in _ALWAYS_QUERY_BIAS:
        attention += width * (heads + 2 * key_heads) + (hidden if kind not in _ALWAYS_QUERY_BIAS else 0)
    if kind in _ALWAYS_HEAD_NORMS:
        attention += 2 * width
    return ModelShape(
        embeddings=_embeddings(config),
        attention=layers * attention,
        indexer=0,
        dense=layers * 3 * hidden * config.intermediate,
        shared_experts=0,
        routed_experts=0,
        router=0,
        norms=hidden * (2 * layers + 1),
        hidden=hidden,
        vocabulary=config.vocabulary,
        layers=layers,
        sparse_layers=0,
        widths=AttentionShape(heads, width, width, key_heads),
        intermediate=config.intermediate,
    )
