"""Arithmetic of model shapes and memory against what is published."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from published_models import AXK1, AXK2_LIGHT

from bongsu.domain.resources import Resources
from bongsu.domain.workload import WorkKind, Workload
from bongsu.planner.accelerators import DEFAULT_ACCELERATOR, accelerator_of
from bongsu.planner.config_shapes import shape_of
from bongsu.planner.cost import STREAM_BYTES_PER_SECOND, UTILISATION, gpu_hours
from bongsu.planner.linear_maps import largest_matrix
from bongsu.planner.memory import estimate_memory

K1, K2 = shape_of(AXK1), shape_of(AXK2_LIGHT)
assert K1 is not None
assert K2 is not None
GPU = accelerator_of(DEFAULT_ACCELERATOR)
assert GPU is not None


def test_the_published_counts() -> None:
    assert K1.total == 518_983_052_288
    assert K1.active / 1e9 == pytest.approx(32.78, abs=0.01)
    assert K1.routed_experts / K1.total == pytest.approx(0.978, abs=0.001)
    assert K2.total / 1e9 == pytest.approx(20.31, abs=0.01)
    assert K2.active / 1e9 == pytest.approx(2.57, abs=0.01)


def test_the_largest_matrix_of_a_layer() -> None:
    assert largest_matrix(K1) == 7168 * 18432, "of the dense layer's feed-forward block"
    gated = shape_of(AXK2_LIGHT | {"intermediate_size": 1024, "q_lora_rank": 1536, "num_attention_heads": 64})
    assert gated is not None
    widths = gated.widths
    assert largest_matrix(gated) == 2 * 1536 * 64 * (widths.key_width + widths.value_width), "query and gate in one"


def test_an_unknown_configuration_has_no_shape() -> None:
    assert shape_of({}) is None
    assert shape_of({"model_type": "axk1", "hidden_size": 8}) is None


works = st.builds(
    Workload,
    kind=st.sampled_from(list(WorkKind)),
    micro_batch=st.integers(1, 8),
    sequence_length=st.integers(16, 4096),
    tokens=st.integers(1, 10**8),
    weight_bytes=st.sampled_from([2.0, 4.0]),
    sharded=st.just(True),
)


@given(works, st.integers(1, 64))
def test_more_workers_never_need_more_memory_each(work: Workload, workers: int) -> None:
    one = estimate_memory(K2, work, Resources(workers=workers, gpus_per_worker=1))
    more = estimate_memory(K2, work, Resources(workers=2 * workers, gpus_per_worker=1))
    gathering = more.gathered if workers == 1 else 0
    assert more.total - gathering <= one.total
    assert min(one.model_dump().values()) >= 0


@given(works, st.integers(1, 64))
def test_gpu_hours_do_not_depend_on_how_a_fixed_amount_of_text_is_split(work: Workload, workers: int) -> None:
    if work.kind in (WorkKind.PRUNE_STREAMED, WorkKind.QUANTIZE_STREAMED):
        return
    one = work.model_copy(update={"tokens": work.tokens * workers})
    together = gpu_hours(K2, work, Resources(workers=workers, gpus_per_worker=1))
    assert together == pytest.approx(gpu_hours(K2, one, Resources(workers=1, gpus_per_worker=1)))
    assert gpu_hours(K2, work, Resources(workers=workers)) == 0


@pytest.mark.parametrize("kind", [kind for kind in WorkKind if kind is not WorkKind.LIGHT])
def test_gpus_that_do_not_compute_are_held_and_counted(kind: WorkKind) -> None:
    work = Workload(kind=kind, tokens=10**9, weight_bytes=4.0)
    one, eight = (gpu_hours(K2, work, Resources(workers=2, gpus_per_worker=gpus)) for gpus in (1, 8))
    assert one
    assert eight == pytest.approx(8 * one)


@pytest.mark.parametrize("work", [Workload(), Workload(kind=WorkKind.INFERENCE)])
def test_what_nobody_knows_is_no_nought(work: Workload) -> None:
    assert gpu_hours(K2, work, Resources(gpus_per_worker=1)) is None
    assert gpu_hours(K2, work, Resources()) == 0


def test_a_streamed_stage_reads_and_writes_what_is_stored() -> None:
    rounding = Workload(kind=WorkKind.QUANTIZE_STREAMED, weight_bytes=4.0, tokens=0)
    read_and_written = 2 * 2 * K1.total
    hours = read_and_written / STREAM_BYTES_PER_SECOND / 3600
    assert gpu_hours(K1, rounding, Resources(gpus_per_worker=1)) == pytest.approx(hours)


@given(st.integers(1, 64), st.integers(1, 10**9))
def test_a_small_model_is_no_quicker_than_its_kernels_are_started(micro_batch: int, batches: int) -> None:
    """A layer of it takes no operations to speak of, and ten kernels forward and twenty backward all the same."""
    small = dataclasses.replace(
        K2,
        **dict.fromkeys(
            ("embeddings", "attention", "indexer", "dense", "shared_experts", "routed_experts", "router", "norms"),
            0,
        ),
    )
    work = Workload(
        kind=WorkKind.TRAIN_FULL,
        micro_batch=micro_batch,
        sequence_length=64,
        tokens=batches * micro_batch * 64,
        weight_bytes=4.0,
    )
    assert gpu_hours(small, work, Resources(gpus_per_worker=1)) == pytest.approx(
        batches * K2.layers * 30 * 5e-6 / 3600
    )
    large = work.model_copy(update={"micro_batch": 64, "sequence_length": 4096, "tokens": batches * 64 * 4096})
    assert gpu_hours(K2, large, Resources(gpus_per_worker=1)) == pytest.approx(
        6 * K2.active * large.tokens / GPU.flops / UTILISATION / 3600
    )
