"""How long a grant lasts, weak use, and what may be taken back: figures worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from grant_places import grant
from hypothesis import given
from hypothesis import strategies as st
from store_places import NOW

from bongsu.domain.grants import Balance, Held
from bongsu.policy.grant_forecast import Forecast, days_of, forecasts
from bongsu.policy.weak_use import Thresholds, Uses, Weakness, elapsed_share, notice_due, reclaimable, weak_uses

HOUR_MS = 3_600_000
DAY = 86_400.0
WINDOW = grant(begins=NOW, ends=NOW + 100 * DAY)


def daily(days: int, hours: float, until: float) -> list[Held]:
    """One GPU for so many hours of each of the last days."""
    starts = (until - DAY * place for place in range(days, 0, -1))
    return [Held(1, start, start + hours * 3600) for start in starts]


def test_an_even_use_runs_out_when_it_should_and_its_interval_is_a_point() -> None:
    now = NOW + 40 * DAY
    week, month = forecasts(WINDOW, 200 * HOUR_MS, daily(40, 10, now), now)
    assert (week.days, month.days) == (7, 28)
    assert week.rate == week.least == week.most == 10 * HOUR_MS
    assert week.runs_out_at == pytest.approx(now + 20 * DAY)
    assert week.runs_out_at == week.earliest_at == week.latest_at
    assert not week.ends_first(WINDOW.ends)
    assert week.unused == 0


def test_an_uneven_use_has_an_interval_of_two_standard_errors() -> None:
    now = NOW + 7 * DAY
    (week,) = forecasts(WINDOW, 1000 * HOUR_MS, [Held(1, now - DAY, now - DAY + 7 * 3600)], now)
    # One day of 7 and six of 0: mean 1, standard deviation 7 / sqrt(7), standard error 1.
    assert week.rate == pytest.approx(HOUR_MS)
    assert (week.least, week.most) == (0.0, pytest.approx(3 * HOUR_MS))
    assert week.latest_at is None
    assert week.ends_first(WINDOW.ends)
    assert week.unused == 907 * HOUR_MS, "1000 less 93 days at 1"


def test_without_a_whole_day_there_is_no_rate_and_without_use_no_end() -> None:
    assert forecasts(WINDOW, HOUR_MS, [], NOW + DAY - 1) == []
    (first,) = forecasts(WINDOW, HOUR_MS, [], NOW + DAY)
    assert (first.days, first.rate, first.runs_out_at, first.unused) == (1, 0.0, None, HOUR_MS)


@given(st.lists(st.tuples(st.integers(0, 20 * 86_400_000), st.integers(0, 3 * 86_400_000)), max_size=8))
def test_days_add_up_to_what_was_held_within_them(spans: list[tuple[int, int]]) -> None:
    held = [Held(3, NOW + begin / 1000, NOW + (begin + length) / 1000) for begin, length in spans]
    each = days_of(held, NOW + 30 * DAY, 30)
    assert sum(each) == sum(one.gpu_ms for one in held)


def test_less_than_a_straight_line_is_behind_once_a_quarter_of_the_window_is_over() -> None:
    uses = Uses(Balance(100 * HOUR_MS, 20 * HOUR_MS, 0))
    assert weak_uses(WINDOW, uses, NOW + 44 * DAY) == []
    (weak,) = weak_uses(WINDOW, uses, NOW + 50 * DAY)
    assert (weak.weakness, weak.gpu_ms, weak.share) == (Weakness.BEHIND, 30 * HOUR_MS, 0.3)
    early = Uses(Balance(100 * HOUR_MS, 0, 0))
    assert weak_uses(WINDOW, early, NOW + 24.9 * DAY) == []
    strict = Thresholds(window_share=0.1, behind_share=0.1)
    assert [one.weakness for one in weak_uses(WINDOW, early, NOW + 11 * DAY, strict)] == [Weakness.BEHIND]
    assert elapsed_share(WINDOW, NOW - DAY) == 0.0
    assert elapsed_share(WINDOW, NOW + 200 * DAY) == 1.0


def test_what_went_into_failures_is_told_if_it_is_much() -> None:
    ten, nine = 10 * HOUR_MS, 9 * HOUR_MS
    has = Balance(100 * HOUR_MS, 0, 0)
    (weak,) = weak_uses(WINDOW, Uses(has, {"failed": ten, "succeeded": ten}), NOW)
    assert (weak.weakness, weak.gpu_ms, weak.share) == (Weakness.FRUITLESS, 10 * HOUR_MS, 0.5)
    assert weak_uses(WINDOW, Uses(has, {"failed": nine}), NOW) == [], "it is little"
    assert weak_uses(WINDOW, Uses(has, {"lost": ten, "succeeded": 2 * ten}), NOW) == []


def test_gpus_that_are_held_in_silence_are_told_with_who_holds_them() -> None:
    has = Balance(100 * HOUR_MS, 0, 0)
    silent = {"r-1/a/1": (7200.0, 3 * HOUR_MS), "r-2/b/1": (7199.0, HOUR_MS)}
    (weak,) = weak_uses(WINDOW, Uses(has, {}, silent), NOW)
    assert (weak.weakness, weak.gpu_ms, weak.share) == (Weakness.SILENT, 3 * HOUR_MS, 0.75)
    assert weak.attempts == ("r-1/a/1",)


def forecast(most_hours: float) -> Forecast:
    return Forecast(28, 0.0, 0.0, most_hours * HOUR_MS, None, None, None, 0)


def test_taken_back_may_be_what_the_highest_rate_leaves_and_never_what_is_set_aside() -> None:
    has = Balance(1000 * HOUR_MS, 100 * HOUR_MS, 300 * HOUR_MS)
    seen = [forecast(2.0), forecast(4.01)]
    # 600 are free; 50 days at 4.01 take 200.5.
    assert reclaimable(WINDOW, has, seen, NOW + 50 * DAY) == 399 * HOUR_MS
    assert reclaimable(WINDOW, has, seen, NOW + 20 * DAY) == 0, "it is early"
    assert reclaimable(WINDOW, has, [], NOW + 50 * DAY) == 0
    assert reclaimable(WINDOW, has, [forecast(20.0)], NOW + 50 * DAY) == 0
    assert reclaimable(WINDOW, has, seen, NOW + 100 * DAY) == 600 * HOUR_MS
    closed = replace(WINDOW, closed_at=NOW + DAY)
    assert reclaimable(closed, has, [], NOW + 2 * DAY) == 600 * HOUR_MS


def test_a_notice_is_a_week_and_none_where_nothing_more_can_be_set_aside() -> None:
    assert notice_due(WINDOW, NOW, None) == NOW + 7 * DAY
    assert notice_due(WINDOW, NOW, 30 * DAY) == NOW + 30 * DAY
    assert notice_due(WINDOW, NOW, 6.9 * DAY) is None
    assert notice_due(WINDOW, WINDOW.ends, None) == WINDOW.ends
    assert notice_due(replace(WINDOW, closed_at=NOW), NOW, 0.0) == NOW
