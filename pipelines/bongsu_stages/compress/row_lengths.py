"""How long the rows of a model's matrices are, from its configuration alone; imports nothing heavy.

A test compares them with the real classes. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bongsu.domain.model_config import LatentWidths, ModelConfig


def row_lengths(config: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Name and row length of each projection of the decoder layers, of one routed expert a layer.

    Nothing where ``config.json`` does not tell.
    """
    told = ModelConfig.of(config)
    if told is None:
        return
    attention = _plain(told) if told.latent is None else _latent(told, told.latent)
    for number, is_sparse in enumerate(told.sparse):
        prefix = f"model.layers.{number}."
        for name, length in attention.items():
            yield f"{prefix}self_attn.{name}.weight", length
        for block, width in _blocks(told, is_sparse):
            yield f"{prefix}{block}.gate_proj.weight", told.hidden
            yield f"{prefix}{block}.up_proj.weight", told.hidden
            yield f"{prefix}{block}.down_proj.weight", width


def _blocks(config: ModelConfig, is_sparse: bool) -> Iterator[tuple[str, int]]:
    """Feed-forward blocks of one layer with their widths."""
    if config.experts is None or not is_sparse:
        yield "mlp", config.intermediate
        return
    yield "mlp.experts.0", config.experts.width
    if config.experts.shared_width:
        yield "mlp.shared_experts", config.experts.shared_width


def _latent(config: ModelConfig, widths: LatentWidths) -> dict[str, int]:
    """Latent attention; where its output has a gate, the compressed query is read twice, normed and plain."""
    return {
        "q_a_proj": config.hidden,
        "q_b_proj": widths.query_rank * (2 if widths.is_gated else 1),
        "kv_a_proj_with_mqa": config.hidden,
        "kv_b_proj": widths.key_rank,
        "o_proj": config.heads * widths.value_width,
    }


def _plain(config: ModelConfig) -> dict[str, int]:
    reads = dict.fromkeys(("q_proj", "k_proj", "v_proj"), config.hidden)
    return {**reads, "o_proj": config.heads * config.head_width}
