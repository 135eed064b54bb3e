"""Figures of stages by name: finite numbers only, since neither JSON nor SQL has others.

A figure that is not a number says nothing that could be compared or drawn. Who measures it tells so in words; here it
is left out, so that an event or a result with one in it can be read all the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator


def finite(figures: Mapping[str, float]) -> dict[str, float]:
    """``figures`` without infinities and NaN."""
    return {name: float(value) for name, value in figures.items() if math.isfinite(value)}


def not_finite(figures: Mapping[str, float]) -> dict[str, float]:
    """What :func:`finite` leaves out."""
    return {name: float(value) for name, value in figures.items() if not math.isfinite(value)}


def _without_nulls(value: Any) -> Any:
    """JSON's null is what some writers make of NaN."""
    if isinstance(value, Mapping):
        return {name: figure for name, figure in value.items() if figure is not None}
    return value


Metrics = Annotated[dict[str, float], BeforeValidator(_without_nulls), AfterValidator(finite)]
