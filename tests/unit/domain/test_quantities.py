"""Figures and units as people read them."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bongsu.domain.quantities import figure
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


@given(
    st.from_regex(r"([0-9]{1,400}d)?([0-9]{1,30}h)?([0-9]{1,30}m)?([0-9]{1,400}(\.[0-9]{1,30})?s)?", fullmatch=True)
)
def test_a_duration_is_kept_or_refused_and_never_overflows(text: str) -> None:
    try:
        value = DURATION.validate_python(text)
    except ValidationError:
        return
    assert timedelta(0) <= value <= MAX_DURATION


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
