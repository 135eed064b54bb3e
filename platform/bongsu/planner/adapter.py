"""Size of a low-rank adapter (LoRA, arXiv 2106.09685): two matrices beside each linear map, ``rank`` x (in + out).

A test compares the counts with what peft adds to the real classes.
"""

from __future__ import annotations

from collections.abc import Iterable

from bongsu.planner.linear_maps import LinearMaps, expert_maps, layer_maps
from bongsu.planner.model_shape import ModelShape


def adapter_parameters(shape: ModelShape, rank: int, experts: bool) -> int:
    """Parameters of an adapter on every linear map but the head; with ``experts`` on each routed expert too."""
    sides = shape.dense_layers * _sides(layer_maps(shape, sparse=False))
    sides += shape.sparse_layers * _sides(layer_maps(shape, sparse=True))
    if experts:
        sides += shape.sparse_layers * _sides(expert_maps(shape))
    return rank * sides


def _sides(maps: Iterable[LinearMaps]) -> int:
    return sum(each.times * (each.read + each.written) for each in maps)
