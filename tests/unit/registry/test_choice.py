"""Which candidate is registered."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu_stages.registry.card import CardFacts, render_card
from bongsu_stages.registry.choice import Candidate, choose, why_rejected

BASE = {"perplexity.law": 20.0, "tasks.law.accuracy": 0.5}
FIGURES = st.floats(allow_nan=True, allow_infinity=True)


def candidate(title: str = "a", size: int = 10, verified: bool = True, **metrics: float) -> Candidate:
    named = {name.replace("_", "."): value for name, value in metrics.items()}
    return Candidate(title, f"sha256-{title}", size, named, verified)


def test_the_smallest_within_bounds_is_chosen() -> None:
    found = choose(
        [
            candidate("large", 9, perplexity_law=20),
            candidate("small", 3, perplexity_law=20.9),
            candidate("worse", 1),
        ],
        BASE,
        {"perplexity.law": 1.05},
        "smallest",
    )
    assert found.chosen is not None
    assert found.chosen.title == "small"
    assert [str(rejection.reason) for rejection in found.rejected] == ["perplexity.law was not measured"]


def test_without_the_figure_that_decides_nothing_is_chosen() -> None:
    known = candidate("known", 9, perplexity_law=20.0)
    typo = choose([known], {}, {}, "best", "perplexity.lwa")
    assert typo.chosen is None
    assert str(typo.rejected[0].reason) == "perplexity.lwa was not measured, only perplexity.law"
    assert choose([known], {}, {}, "fastest").chosen is None
    with pytest.raises(ValueError, match="needs a metric"):
        choose([known], {}, {}, "best")


@pytest.mark.parametrize("value", [None, math.nan, -math.inf])
def test_a_candidate_that_cannot_be_ranked_loses_to_one_that_can(value: float | None) -> None:
    unknown = candidate("unknown", 1, **({} if value is None else {"perplexity_law": value}))
    found = choose([unknown, candidate("known", 9, perplexity_law=20.0)], {}, {}, "best", "perplexity.law")
    assert found.chosen is not None
    assert found.chosen.title == "known"
    assert [rejection.title for rejection in found.rejected] == ["unknown"]


def test_best_and_fastest_follow_the_direction_of_their_metric() -> None:
    slow = Candidate("slow", "sha256-s", 1, {"speed.tokensPerSecond": 1.0, "perplexity.law": 9.0}, True)
    fast = Candidate("fast", "sha256-f", 9, {"speed.tokensPerSecond": 5.0, "perplexity.law": 10.0}, True)
    assert choose([slow, fast], {}, {}, "fastest").chosen is fast
    assert choose([fast, slow], {}, {}, "best", "perplexity.law").chosen is slow


def test_what_was_not_verified_is_never_chosen() -> None:
    assert choose([candidate(verified=False)], {}, {}, "smallest").chosen is None


@given(FIGURES, FIGURES, st.floats(min_value=0.01, max_value=100))
def test_only_a_ratio_that_is_a_number_within_the_bound_passes(value: float, base: float, bound: float) -> None:
    reason = why_rejected(candidate(perplexity_law=value), {"perplexity.law": base}, {"perplexity.law": bound})
    if reason == "":
        assert value / base <= bound if base else value <= 0


@pytest.mark.parametrize("metric", ["perplexity.law", "tasks.law.accuracy"])
def test_a_figure_that_is_no_number_is_rejected(metric: str) -> None:
    broken = Candidate("a", "sha256-a", 1, {metric: math.nan}, True)
    assert "nan times the baseline's" in str(why_rejected(broken, BASE, {metric: 1.0}))


def test_a_baseline_that_knew_no_answer_was_measured() -> None:
    tasks, law = "tasks.law.accuracy", "perplexity.law"
    assert why_rejected(Candidate("a", "sha256-a", 1, {tasks: 0.4}, True), {tasks: 0.0}, {tasks: 0.9}) == ""
    assert str(why_rejected(Candidate("a", "sha256-a", 1, {law: 0.4}, True), {law: 0.0}, {law: 1.1})) == (
        "perplexity.law is 0.4 and the baseline's is 0, at most 0 is allowed"
    )
    assert "was not measured" in str(
        why_rejected(Candidate("a", "sha256-a", 1, {tasks: 0.4}, True), {}, {tasks: 0.9})
    )


@pytest.mark.parametrize("figures", [{}, {"perplexity.law": 2.0}, {"perplexity.law": 2.0, "tasks.law": 0.5}])
def test_a_card_has_a_whole_table_whatever_was_measured(figures: dict[str, float]) -> None:
    measured = Candidate("a", "sha256-a", 1, figures, True)
    card = render_card(CardFacts("m", "p", "mnd", "", "smallest", ""), measured, [candidate("b")], [])
    rows = [line.strip("|").split("|") for line in card.splitlines() if line.startswith("|")]
    assert [len(row) for row in rows] == [3 + len(figures)] * 4
    assert all(cell.strip() for row in rows for cell in row)
    assert [cell.strip() for cell in rows[0]] == ["variant", "weights", *figures, "verified"]


def test_a_title_with_a_bar_stays_within_its_cell() -> None:
    title = "quantize (domain=law|general)"
    chosen = Candidate(title, "sha256-a", 1, {f"perplexity.{title}": 2.0}, True)
    card = render_card(CardFacts("m", "p", "mnd", "", "smallest", ""), chosen, [], [])
    head, _, row = (line for line in card.splitlines() if line.startswith("|"))
    assert len(re.findall(r"(?<!\\)\|", head)) == len(re.findall(r"(?<!\\)\|", row)) == 5
    assert r"domain=law\|general" in row
