"""Figures and units as people read them."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bongsu.domain.quantities import figure, interval
from bongsu.domain.resources import MAX_BYTES, MAX_DURATION, Bytes, Duration

DURATION, BYTES = TypeAdapter(Duration), TypeAdapter(Bytes)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "NaN"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
        (9999.4, "9999"),
        (9999.6, "10,000"),
        (20.52, "20.52"),
    ],
)
def test_figures_are_short_and_whole(value: float | None, text: str) -> None:
    assert figure(value) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.38212, 0.45118, "0.382–0.451"),
        (9.704, 10.91, "9.7–10.9"),
        (1102.3, 1398.7, "1100–1400"),
        (0.0, 0.3085, "0–0.31"),
        (-0.5, 0.5, "-0.5–0.5"),
        (12_312.0, 14_011.0, "12,300–14,000"),
        (3.0, 3.0, "3–3"),
        (0.0, 0.0, "0–0"),
    ],
)
def test_an_interval_has_the_digits_that_tell_its_ends_apart(low: float, high: float, text: str) -> None:
    assert interval(low, high) == text


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_whatever_somebody_measured_is_printed(low: float, high: float) -> None:
    assert "–" in interval(low, high)


@given(
    st.from_regex(r"([0-9]{1,400}d)?([0-9]{1,30}h)?([0-9]{1,30}m)?([0-9]{1,400}(\.[0-9]{1,30})?s)?", fullmatch=True)
)
def test_a_duration_is_kept_or_refused_and_never_overflows(text: str) -> None:
    try:
        value = DURATION.validate_python(text)
    except ValidationError:
        return
    assert timedelta(0) <= value <= MAX_DURATION


@given(st.timedeltas(timedelta(0), MAX_DURATION))
@example(timedelta(days=12))
@example(timedelta(seconds=123456.7))
@example(timedelta(microseconds=1))
def test_a_duration_is_read_back_as_it_was_written(value: timedelta) -> None:
    assert DURATION.validate_json(DURATION.dump_json(value)) == value


@given(st.from_regex(r"[0-9]{1,400}(\.[0-9]{1,30})?(Ki|Mi|Gi|Ti|k|M|G|T|)", fullmatch=True))
def test_a_size_is_kept_or_refused_and_never_overflows(text: str) -> None:
    try:
        value = BYTES.validate_python(text)
    except ValidationError:
        return
    assert 0 < value <= MAX_BYTES


def test_bounds_are_told_as_files_write_them() -> None:
    for adapter, text, limit in ((DURATION, "9999d", "3650d"), (BYTES, "9999Ti", "1024Ti")):
        with pytest.raises(ValidationError) as caught:
            adapter.validate_python(text)
        assert limit in json.dumps(caught.value.errors(include_url=False, include_input=False))
