"""Size of a low-rank adapter (LoRA, arXiv 2106.09685): two matrices beside each linear map, ``rank`` x (in + out).

A test compares the counts with what peft adds to the real classes.
"""

from __future__ import annotations

from collections.abc import Iterator

from bongsu.planner.model_shape import ModelShape


def adapter_parameters(shape: ModelShape, rank: int, experts: bool) -> int:
    """Parameters of an adapter on every linear map but the head; with ``experts`` on each routed expert too."""
    sides = sum(times * (read + written) for times, read, written in _maps(shape, experts))
    return rank * sides


def _maps(shape: ModelShape, experts: bool) -> Iterator[tuple[int, int, int]]:
    """How many linear maps there are of each kind, and what one reads and writes for each token."""
    yield from _attention(shape)
    hidden, sparse = shape.hidden, shape.sparse_layers
    # Gate, up and down of a gated block.
    yield 3 * shape.dense_layers, hidden, shape.intermediate
    if shape.shared_width:
        yield 3 * sparse, hidden, shape.shared_width
    if shape.gate_rank:
        yield 2 * (shape.layers + sparse), hidden, shape.gate_rank
    if experts:
        # Gate and up are one tensor of an expert, and so have one pair of matrices.
        yield sparse * shape.experts, hidden, 2 * shape.expert_width
        yield sparse * shape.experts, shape.expert_width, hidden


def _attention(shape: ModelShape) -> Iterator[tuple[int, int, int]]:
    widths, layers, hidden = shape.widths, shape.layers, shape.hidden
    if not widths.is_latent:
        yield layers, hidden, widths.heads * widths.key_width
        yield 2 * layers, hidden, widths.key_heads * widths.key_width
        yield layers, widths.heads * widths.value_width, hidden
        return
    gate = widths.value_width if widths.gated else 0
    plain = widths.key_width - widths.rope_width
    yield layers, hidden, widths.query_rank
    yield layers, widths.query_rank * (2 if widths.gated else 1), widths.heads * (widths.key_width + gate)
    yield layers, hidden, widths.key_rank + widths.rope_width
    yield layers, widths.key_rank, widths.heads * (plain + widths.value_width)
    yield layers, widths.heads * widths.value_width, hidden
    if widths.index_heads:
        yield layers, widths.query_rank, widths.index_heads * widths.index_width
        yield layers, hidden, widths.index_width
        yield layers, hidden, widths.index_heads
