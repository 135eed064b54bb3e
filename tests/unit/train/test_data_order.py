"""Order of training rows and the learning rate follow from the step alone: what makes resuming exact."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bongsu_stages.train.mixture import BLOCK, Mixture, apportion
from bongsu_stages.train.params import TrainingParams
from bongsu_stages.train.schedule import learning_rate
from bongsu_stages.train.shuffle import shuffled

SIZES = st.lists(st.integers(1, 3000), min_size=1, max_size=4)
SEEDS = st.integers(0, 2**31 - 1)


@settings(deadline=None)
@given(st.integers(1, 5000), SEEDS)
def test_a_shuffle_is_a_bijection(size: int, key: int) -> None:
    assert sorted(shuffled(np.arange(size), size, key).tolist()) == list(range(size))


@given(st.lists(st.floats(0, 100), min_size=1, max_size=6).filter(lambda w: sum(w) > 0.01), st.integers(6, 2000))
def test_shares_add_up_and_are_within_one_of_their_weight(weights: list[float], total: int) -> None:
    counts = apportion(weights, total)
    assert sum(counts) == total
    assert all(count >= (weight > 0) for count, weight in zip(counts, weights, strict=True))


@settings(deadline=None, max_examples=40)
@given(SIZES, SEEDS, st.integers(0, 5000), st.integers(1, 300), st.integers(1, 299))
def test_rows_are_the_same_however_they_are_asked_for(
    sizes: list[int], seed: int, first: int, count: int, cut: int
) -> None:
    mixture = Mixture(tuple(sizes), tuple(float(size) for size in sizes), seed)
    whole = mixture.rows(first, count)
    cut = min(cut, count - 1)
    if cut:
        parts = mixture.rows(first, cut), mixture.rows(first + cut, count - cut)
        assert all(np.array_equal(np.concatenate(both), all_) for *both, all_ in zip(*parts, whole, strict=True))
    sources, sequences = whole
    assert all(0 <= sequence < sizes[source] for source, sequence in zip(sources, sequences, strict=True))


def test_a_pass_visits_each_sequence_once_and_another_seed_is_another_order() -> None:
    first, other = (Mixture((BLOCK,), (1.0,), seed).rows(0, BLOCK)[1].tolist() for seed in (1, 2))
    assert sorted(first) == sorted(other) == list(range(BLOCK))
    assert first != other


@given(
    st.integers(1, 400),
    st.integers(0, 50),
    st.floats(0, 1, allow_subnormal=False),  # a hundredth of the smallest number there is would be none
    st.sampled_from(["cosine", "linear", "constant"]),
)
def test_the_rate_rises_then_falls_to_its_end(steps: int, warmup: int, final: float, schedule: str) -> None:
    params = TrainingParams.model_validate(
        {
            "steps": steps,
            "learningRate": 0.01,
            "warmupSteps": warmup,
            "finalLearningRate": final,
            "schedule": schedule,
        }
    )
    rates = [learning_rate(params, step) for step in range(steps)]
    assert all(0 < rate <= 0.01 * (1 + 1e-9) or final == 0 for rate in rates)
    rising, falling = rates[:warmup], rates[warmup:]
    assert rising == sorted(rising)
    assert all(later <= earlier * (1 + 1e-9) for earlier, later in pairwise(falling))
    if steps > warmup + 1:
        assert np.isclose(rates[-1], 0.01 if schedule == "constant" else 0.01 * final)
        assert np.isclose(rates[warmup], 0.01)
