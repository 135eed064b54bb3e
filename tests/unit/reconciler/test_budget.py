"""What an executor can never give is exactly what an empty budget does not give."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.capacity import Capacity
from bongsu.domain.resources import Resources
from bongsu.reconciler.budget import Budget

needs = st.builds(
    Resources,
    workers=st.integers(1, 6),
    cpus_per_worker=st.sampled_from([0.1, 0.5, 1.0, 2.5, 8.0]),
    gpus_per_worker=st.integers(0, 3),
    memory=st.none() | st.integers(1, 40),
)
capacities = st.builds(Capacity, st.sampled_from([0.5, 0.6, 4.0, 12.0]), st.integers(0, 6), st.integers(1, 100))


@given(needs, capacities)
def test_a_stage_that_could_run_alone_is_started_alone_and_no_other(asked: Resources, has: Capacity) -> None:
    assert (Budget.of(has).why_never(asked) is None) == Budget.of(has).take(asked)
