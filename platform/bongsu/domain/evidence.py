"""What speaks for a model: ``evaluation.json`` and ``verification.json``.

Anybody's stage may have written them, so they are read tolerantly: keys that are not ours are left alone, an entry
that names no model is passed over, and a figure that is no finite number counts as not measured. Only ``true`` is a
pass. ``model_validate`` therefore takes whatever JSON holds and never raises.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bongsu.domain.ids import DIGEST_PATTERN, Digest

Interval = tuple[float, float]


def as_number(value: object) -> float | None:
    """The number, if it is one and finite. Infinite and absent figures compare as nothing should."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # JSON has integers without end
        return None
    return number if math.isfinite(number) else None


def _figures(value: object) -> dict[str, float]:
    found = {str(name): as_number(one) for name, one in value.items()} if isinstance(value, Mapping) else {}
    return {name: number for name, number in found.items() if number is not None}


Figures = Annotated[dict[str, float], BeforeValidator(_figures)]
"""Numbers by name; what is no finite number is left out."""


def _intervals(value: object) -> dict[str, Interval]:
    found: dict[str, Interval] = {}
    for name, bounds in value.items() if isinstance(value, Mapping) else ():
        numbers = [as_number(bound) for bound in bounds] if isinstance(bounds, list | tuple) else []
        if len(numbers) == 2 and numbers[0] is not None and numbers[1] is not None:
            found[str(name)] = (numbers[0], numbers[1])
    return found


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _entries(value: object) -> list[object]:
    """Those that name a model."""
    rows = value if isinstance(value, list | tuple) else ()
    return [row for row in rows if isinstance(row, _Entry) or (isinstance(row, Mapping) and _names_model(row))]


def _names_model(row: Mapping[object, object]) -> bool:
    digest = row.get("modelDigest")
    return isinstance(digest, str) and DIGEST_PATTERN.fullmatch(digest) is not None


class _Tolerant(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _anything(cls, value: object) -> Any:
        return value if isinstance(value, Mapping | cls) else {}


class _Entry(_Tolerant):
    """One model among those that were examined."""

    model_digest: Digest = Field(alias="modelDigest")
    title: Annotated[str, BeforeValidator(_text)] = ""


class Measured(_Entry):
    """Figures of one model: names such as ``perplexity.law``, intervals at 95%."""

    metrics: Figures = {}
    intervals: Annotated[dict[str, Interval], BeforeValidator(_intervals)] = {}


class Verdict(_Entry):
    """Whether one model is what it should be."""

    passed: Annotated[bool, BeforeValidator(lambda value: value is True)] = False


class Evaluation(_Tolerant):
    """``evaluation.json``."""

    entries: Annotated[tuple[Measured, ...], BeforeValidator(_entries)] = ()


class Verification(_Tolerant):
    """``verification.json``."""

    entries: Annotated[tuple[Verdict, ...], BeforeValidator(_entries)] = ()


def metrics_of(evaluations: Iterable[Evaluation]) -> dict[Digest, dict[str, float]]:
    """Figures of each model; of a figure that was measured twice, the later one."""
    found: dict[Digest, dict[str, float]] = {}
    for entry in (entry for evaluation in evaluations for entry in evaluation.entries):
        found.setdefault(entry.model_digest, {}).update(entry.metrics)
    return found


def intervals_of(evaluations: Iterable[Evaluation]) -> dict[Digest, dict[str, Interval]]:
    """Intervals of each model, as of :func:`metrics_of`: one that was measured later without an interval has none."""
    found: dict[Digest, dict[str, Interval]] = {}
    for entry in (entry for evaluation in evaluations for entry in evaluation.entries):
        mine = found.setdefault(entry.model_digest, {})
        for name in entry.metrics:
            mine.pop(name, None)
        mine.update(entry.intervals)
    return found


def verdicts_of(verifications: Iterable[Verification]) -> dict[Digest, bool]:
    """Of every model that was examined, whether it passed everywhere."""
    found: dict[Digest, bool] = {}
    for entry in (entry for verification in verifications for entry in verification.entries):
        found[entry.model_digest] = found.get(entry.model_digest, True) and entry.passed
    return found
