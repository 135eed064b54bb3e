"""What evaluation stages leave, and their intervals."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bongsu.artifacts.local import LocalStore
from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu_stages.evaluate.intervals import bootstrap_perplexity, median_interval, wilson
from bongsu_stages.evaluate.result import entry_of, write_evaluation
from bongsu_stages.runtime.context import NamedTree


@pytest.fixture
def model(tmp_path: Path) -> NamedTree:
    store = LocalStore(tmp_path / "store")
    writer = store.writer("model")
    with writer.create("model.safetensors") as file:
        file.write(b"12345678")
    digest = writer.commit().digest
    return NamedTree("m", ArtifactRef(digest=digest, type=ArtifactType.MODEL), store.reader(digest))


def test_figures_of_a_broken_model_are_left_out_of_the_file(tmp_path: Path, model: NamedTree) -> None:
    store = LocalStore(tmp_path / "out")
    writer = store.writer("evaluation")
    metrics = {"perplexity.law": math.nan, "perplexity.general": 4.0}
    entry = entry_of(model, metrics, {"perplexity.law": (math.nan, 1.0), "perplexity.general": (3.0, 5.0)})
    write_evaluation(writer, "perplexity", [entry], {})
    text = store.reader(writer.commit().digest).open("evaluation.json").read().decode()

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    (written,) = json.loads(text, parse_constant=refuse)["entries"]
    assert written["metrics"] == {"perplexity.general": 4.0}
    assert written["intervals"] == {"perplexity.general": [3.0, 5.0]}
    assert written["sizeBytes"] == 8


@given(st.integers(0, 500), st.integers(0, 500))
def test_a_proportion_lies_in_its_interval(right: int, wrong: int) -> None:
    low, high = wilson(right, right + wrong)
    assert 0 <= low <= high <= 1
    if right + wrong:
        assert low - 1e-12 <= right / (right + wrong) <= high + 1e-12


@pytest.mark.parametrize(
    ("count", "cut"), [(1, None), (5, None), (6, 0), (8, 0), (9, 1), (11, 1), (12, 2), (25, 7)]
)
def test_the_interval_of_a_median_is_that_of_the_sign_test(count: int, cut: int | None) -> None:
    """How many values lie outside on each side is in tables of the sign test, such as Conover's (1999), A3."""
    values = [float(value) for value in range(count)]
    expected = None if cut is None else (float(cut), float(count - 1 - cut))
    assert median_interval(values[::-1]) == expected


def test_known_values_of_the_wilson_interval() -> None:
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(0, 10)[0] == 0.0


@settings(deadline=None)
@given(st.lists(st.floats(1.0, 100.0), min_size=2, max_size=40), st.integers(0, 5))
def test_perplexity_lies_in_its_interval_and_the_seed_decides_it(losses: list[float], seed: int) -> None:
    counts = [20] * len(losses)
    low, high = bootstrap_perplexity(losses, counts, seed, resamples=200)
    assert (low, high) == bootstrap_perplexity(losses, counts, seed, resamples=200)
    assert math.exp(min(losses) / 20) * 0.999 <= low <= high <= math.exp(max(losses) / 20) * 1.001
