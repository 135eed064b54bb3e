"""Second moments of inputs, which GPTQ (Frantar et al., arXiv 2210.17323) keeps while a layer computes."""

from __future__ import annotations

from bongsu.planner.activations import FP32, Batch
from bongsu.planner.arithmetic import ALLOCATOR
from bongsu.planner.linear_maps import LinearMaps, expert_maps, layer_maps
from bongsu.planner.model_shape import ModelShape


def adding_bytes(shape: ModelShape, batch: Batch) -> int:
    """Bytes beside a layer while a batch passes: its second moments, and what adding to those of the widest input
    takes: a transposed copy of the input in fp32, and the product."""
    widest = _widest(shape)
    return int(ALLOCATOR * FP32 * (hessian_numbers(shape) + batch.tokens * widest + widest**2))


def inverting_bytes(shape: ModelShape) -> int:
    """Bytes beside a layer when all have passed: its second moments, and three more of the largest while that is
    inverted."""
    return int(ALLOCATOR * FP32 * (hessian_numbers(shape) + 3 * _widest(shape) ** 2))


def _widest(shape: ModelShape) -> int:
    return max(each.read for sparse in _kinds(shape) for each in _maps(shape, sparse))


def hessian_numbers(shape: ModelShape) -> int:
    """Numbers of the second moments of the layer that has most: for each linear map those of its input, for each
    expert its own."""
    return max(sum(each.times * each.read**2 for each in _maps(shape, sparse)) for sparse in _kinds(shape))


def _kinds(shape: ModelShape) -> list[bool]:
    """Whether layers have experts; both where the model has both."""
    return [sparse for sparse, count in ((False, shape.dense_layers), (True, shape.sparse_layers)) if count]


def _maps(shape: ModelShape, sparse: bool) -> list[LinearMaps]:
    return [*layer_maps(shape, sparse=sparse), *(expert_maps(shape) if sparse else ())]
