"""The linear maps of a decoder layer: what an adapter stands beside, and what GPTQ watches the input of.

Tests compare them with the maps of the real classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bongsu.planner.model_shape import ModelShape


class LinearMaps(NamedTuple):
    """``times`` maps of a layer that read and write as many values for each token."""

    times: int
    read: int
    written: int


def layer_maps(shape: ModelShape, *, sparse: bool) -> Iterator[LinearMaps]:
    """Every linear map of one layer, with experts or without, but those of routed experts."""
    yield from _attention(shape)
    hidden, width = shape.hidden, shape.shared_width if sparse else shape.intermediate
    if width:
        yield LinearMaps(2, hidden, width)
        yield LinearMaps(1, width, hidden)
    if shape.gate_rank:
        gates = 2 if sparse else 1
        yield LinearMaps(gates, hidden, shape.gate_rank)
        yield LinearMaps(gates, shape.gate_rank, hidden)


def expert_maps(shape: ModelShape) -> Iterator[LinearMaps]:
    """Maps of the routed experts of one layer; gate and up are one tensor of an expert, and so one map."""
    yield LinearMaps(shape.experts, shape.hidden, 2 * shape.expert_width)
    yield LinearMaps(shape.experts, shape.expert_width, shape.hidden)


def largest_matrix(shape: ModelShape) -> int:
    """Parameters of the largest matrix of a decoder layer as it is stored: experts, gate and up one by one."""
    maps = [one for sparse in (False, True) for one in layer_maps(shape, sparse=sparse)]
    return max(shape.hidden * shape.expert_width, *(one.read * one.written for one in maps))


def _attention(shape: ModelShape) -> Iterator[LinearMaps]:
    widths, hidden = shape.widths, shape.hidden
    if not widths.is_latent:
        yield LinearMaps(1, hidden, widths.heads * widths.key_width)
        yield LinearMaps(2, hidden, widths.key_heads * widths.key_width)
        yield LinearMaps(1, widths.heads * widths.value_width, hidden)
        return
    gate = widths.value_width if widths.gated else 0
    plain = widths.key_width - widths.rope_width
    yield LinearMaps(1, hidden, widths.query_rank)
    yield LinearMaps(1, widths.query_rank * (2 if widths.gated else 1), widths.heads * (widths.key_width + gate))
    yield LinearMaps(1, hidden, widths.key_rank + widths.rope_width)
    yield LinearMaps(1, widths.key_rank, widths.heads * (plain + widths.value_width))
    yield LinearMaps(1, widths.heads * widths.value_width, hidden)
    if widths.index_heads:
        yield LinearMaps(1, widths.query_rank, widths.index_heads * widths.index_width)
        yield LinearMaps(1, hidden, widths.index_width)
        yield LinearMaps(1, hidden, widths.index_heads)
