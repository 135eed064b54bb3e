"""Choosing one of several candidates by rules. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase

Selection = Literal["smallest", "best", "fastest"]
SPEED = "speed.tokensPerSecond"
# Metrics of which more is better; of all others less is.
_MORE_IS_BETTER = ("speed.", "tasks.")
_TOO_LITTLE = N_("{metric} is {ratio} times the baseline's, at least {bound:g} is allowed")
_TOO_MUCH = N_("{metric} is {ratio} times the baseline's, at most {bound:g} is allowed")


@dataclass(frozen=True)
class Candidate:
    """Attributes:
    verified: a verification of exactly these bytes passed.
    """

    title: str
    digest: str
    size_bytes: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    verified: bool = False


@dataclass(frozen=True)
class Rejection:
    title: str
    reason: Words


@dataclass(frozen=True)
class Choice:
    """``chosen`` is None if no candidate passed."""

    chosen: Candidate | None
    rejected: tuple[Rejection, ...]


def more_is_better(metric: str) -> bool:
    return metric.startswith(_MORE_IS_BETTER)


def choose(
    candidates: Sequence[Candidate],
    baseline: Mapping[str, float],
    within: Mapping[str, float],
    select: Selection,
    metric: str | None = None,
) -> Choice:
    """The best candidate that was verified and is within the bounds.

    A candidate without the figure that decides is rejected: nothing says where it stands among the others.

    Args:
        candidates: in the order of the pipeline; earlier ones win a tie.
        baseline: figures of the model that bounds are relative to.
        within: metric to largest ratio to the baseline (smallest, for metrics of which more is better).
        select: ``smallest`` weights, ``best`` by ``metric``, or ``fastest``.
        metric: for ``best``.

    Raises:
        ValueError: ``best`` without a metric.
    """
    deciding = deciding_metric(select, metric)
    rejected = []
    passed = []
    for candidate in candidates:
        reason = why_rejected(candidate, baseline, within) or _why_unranked(candidate, deciding)
        if reason:
            rejected.append(Rejection(candidate.title, reason))
        else:
            passed.append(candidate)
    if not passed:
        return Choice(None, tuple(rejected))
    return Choice(min(passed, key=lambda c: _rank(c, deciding)), tuple(rejected))


def deciding_metric(select: Selection, metric: str | None) -> str | None:
    """The metric that ranks candidates; None if their size does."""
    if select == "smallest":
        return None
    if select == "fastest":
        return SPEED
    if not metric:
        raise ValueError("select: best needs a metric")
    return metric


def why_rejected(candidate: Candidate, baseline: Mapping[str, float], within: Mapping[str, float]) -> Words:
    """Why the candidate cannot be registered; empty if it can."""
    if not candidate.verified:
        return N_("no verification of exactly these bytes passed")
    for metric, bound in within.items():
        if metric not in candidate.metrics:
            return _not_measured(metric, candidate.metrics)
        if metric not in baseline:
            return phrase(N_("{metric} of the baseline was not measured"), metric=metric)
        reason = _why_outside(metric, candidate.metrics[metric], baseline[metric], bound)
        if reason:
            return reason
    return ""


def _why_outside(metric: str, value: float, base: float, bound: float) -> Words:
    """Why ``value`` is not within the bound; empty if it is. No multiple of a baseline of 0 is anything but 0."""
    compared, limit = (value / base, bound) if base else (value, 0.0)
    if compared >= limit if more_is_better(metric) else compared <= limit:
        return ""
    if base:
        told = _TOO_LITTLE if more_is_better(metric) else _TOO_MUCH
        return phrase(told, metric=metric, ratio=f"{compared:.3f}", bound=bound)
    # Of what is better when it is more, nothing is less than 0.
    return phrase(
        N_("{metric} is {value} and the baseline's is 0, at most 0 is allowed"), metric=metric, value=f"{value:g}"
    )


def _why_unranked(candidate: Candidate, deciding: str | None) -> Words:
    """Why the candidate cannot be compared with others; empty if it can."""
    if deciding is None or math.isfinite(candidate.metrics.get(deciding, math.nan)):
        return ""
    return _not_measured(deciding, candidate.metrics)


def _not_measured(metric: str, figures: Mapping[str, float]) -> Words:
    known = [name for name in figures if name != metric]
    if not known:
        return phrase(N_("{metric} was not measured"), metric=metric)
    return phrase(N_("{metric} was not measured, only {known}"), metric=metric, known=", ".join(known))


def _rank(candidate: Candidate, deciding: str | None) -> tuple[float, float]:
    size = float(candidate.size_bytes)
    if deciding is None:
        return size, 0.0
    value = candidate.metrics[deciding]
    return (-value if more_is_better(deciding) else value), size
