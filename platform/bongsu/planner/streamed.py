"""Memory of stages that pass a model through one layer at a time."""

from __future__ import annotations

from bongsu.domain.plan import MemoryEstimate
from bongsu.domain.workload import WorkKind, Workload
from bongsu.planner.activations import FP32, passing_bytes
from bongsu.planner.arithmetic import ALLOCATOR, RUNTIME_BYTES, STORED, Numbers
from bongsu.planner.hessians import adding_bytes, inverting_bytes
from bongsu.planner.linear_maps import largest_matrix
from bongsu.planner.model_shape import ModelShape

STREAMED = frozenset({WorkKind.PRUNE_STREAMED, WorkKind.QUANTIZE_STREAMED})
# A file is copied to the artifact store in pieces of 16 MiB, the next of which is read while the last is still there.
_COPIED_AT_ONCE = 2 * 16 * 1024 * 1024
# A group's largest value, its best error and scale, and those that are tried; kernels take groups from 32 columns on.
_FIGURES_A_GROUP = 5
_SMALLEST_GROUP = 32


def streamed_memory(shape: ModelShape, work: Workload, numbers: Numbers, *, on_gpu: bool) -> MemoryEstimate:
    """The moment that needs most: the embeddings are read, then one decoder layer after another computes, then
    matrices are written one by one. What one moment holds is gone in the next, but for the hidden states of all
    calibration tokens, which stay between layers and are written anew batch by batch.

    A GPU sees a layer and one batch at a time. The rest is in main memory there too, and each layer before it moves.
    """
    written = _written(shape, work)
    if not work.tokens:
        return MemoryEstimate(runtime=RUNTIME_BYTES, host=_beyond_process(written)) if on_gpu else written
    states = _states(shape, work, numbers)
    embedded, computed = _embedded(shape, states), _computed(shape, work, numbers)
    built = MemoryEstimate(weights=computed.weights + _entry(shape), activations=states, runtime=RUNTIME_BYTES)
    if on_gpu:
        return computed.model_copy(update={"host": max(map(_beyond_process, (written, embedded, built)))})
    beside = computed.model_copy(update={"weights": built.weights, "activations": states + computed.activations})
    return max((written, embedded, beside), key=lambda moment: moment.total)


def _computed(shape: ModelShape, work: Workload, numbers: Numbers) -> MemoryEstimate:
    """The largest layer with one batch that passes through it, or with the moments that are inverted afterwards."""
    weights = int(shape.largest_layer * numbers.weight)
    passing = MemoryEstimate(
        weights=weights,
        activations=int(ALLOCATOR * passing_bytes(shape, numbers.batch)),
        workspace=adding_bytes(shape, numbers.batch) if work.hessians else 0,
        runtime=RUNTIME_BYTES,
    )
    if not work.hessians:
        return passing
    inverting = MemoryEstimate(weights=weights, workspace=inverting_bytes(shape), runtime=RUNTIME_BYTES)
    return max((passing, inverting), key=lambda moment: moment.total)


def _beyond_process(moment: MemoryEstimate) -> int:
    return moment.total - moment.runtime


def _embedded(shape: ModelShape, states: int) -> MemoryEstimate:
    """The input embeddings, as they are stored and in fp32, when the last tokens have been looked up."""
    table = shape.vocabulary * shape.hidden * (STORED + FP32)
    return MemoryEstimate(weights=table, activations=states, runtime=RUNTIME_BYTES)


def _states(shape: ModelShape, work: Workload, numbers: Numbers) -> int:
    return int(((work.tokens or 0) + numbers.batch.tokens) * shape.hidden * numbers.batch.width)


def _entry(shape: ModelShape) -> int:
    """While fused expert tensors are filled from the entries of single experts, one projection exists twice."""
    return shape.hidden * max(shape.expert_width, shape.intermediate) * FP32


def _written(shape: ModelShape, work: Workload) -> MemoryEstimate:
    """Writing the new weight files: what stays is copied as it is stored, and what is quantised is there in fp32 with
    three more of its size, when scales and levels are tried, and a few figures a group."""
    number = 4 * FP32 + _FIGURES_A_GROUP * FP32 / _SMALLEST_GROUP
    matrix = int(largest_matrix(shape) * number) if work.kind is WorkKind.QUANTIZE_STREAMED else 0
    table = shape.vocabulary * shape.hidden * STORED
    held = max(matrix, table)
    if held < _COPIED_AT_ONCE:
        return MemoryEstimate(workspace=_COPIED_AT_ONCE, runtime=RUNTIME_BYTES)
    return MemoryEstimate(weights=held, runtime=RUNTIME_BYTES)
