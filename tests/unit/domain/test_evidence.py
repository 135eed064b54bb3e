"""Evidence is read whoever wrote it, and what it does not say it does not say."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.evidence import Evaluation, Verification, as_number, intervals_of, metrics_of, verdicts_of
from bongsu.domain.ids import digest_of

A, B = digest_of(b"a"), digest_of(b"b")
NAMES = st.sampled_from(["entries", "modelDigest", "metrics", "intervals", "passed", "title", "loss"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.sampled_from([A, B])
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=20)
ENTRIES = st.lists(
    st.fixed_dictionaries({"modelDigest": st.sampled_from([A, B])}, optional={"metrics": JSON, "passed": JSON})
)


@given(JSON | st.fixed_dictionaries({"entries": JSON | ENTRIES}))
def test_whatever_a_file_holds_is_read_and_every_figure_is_finite(content: Any) -> None:
    evaluation, verification = Evaluation.model_validate(content), Verification.model_validate(content)
    figures = [value for one in metrics_of([evaluation]).values() for value in one.values()]
    figures += [bound for one in intervals_of([evaluation]).values() for pair in one.values() for bound in pair]
    assert all(math.isfinite(value) for value in figures)
    assert set(verdicts_of([verification]).values()) <= {True, False}
    json.dumps(evaluation.model_dump(mode="json"), allow_nan=False)


@given(ENTRIES)
def test_a_model_passed_if_every_entry_about_it_says_true(entries: list[dict[str, Any]]) -> None:
    verdicts = verdicts_of([Verification.model_validate({"entries": entries})])
    for digest in (A, B):
        mine = [entry.get("passed") is True for entry in entries if entry["modelDigest"] == digest]
        assert verdicts.get(digest) == (all(mine) if mine else None)


def test_figures_of_one_model_come_together() -> None:
    first = Evaluation.model_validate({"entries": [{"modelDigest": A, "metrics": {"x": 1, "y": 2}, "unknown": []}]})
    second = Evaluation.model_validate(
        {"entries": [{"modelDigest": A, "metrics": {"y": 3}, "intervals": {"y": [2, 4]}}]}
    )
    assert metrics_of([first, second]) == {A: {"x": 1.0, "y": 3.0}}
    assert intervals_of([first, second]) == {A: {"y": (2.0, 4.0)}}
    assert intervals_of([second, first]) == {A: {}}, "the interval of another measurement says nothing of this one"


@pytest.mark.parametrize("value", [None, True, "1", float("nan"), float("inf"), -math.inf, 10**400, [1], {}])
def test_what_is_no_finite_number_is_no_figure(value: object) -> None:
    assert as_number(value) is None
