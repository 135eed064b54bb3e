"""Choosing one of several candidates by rules. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Selection = Literal["smallest", "best", "fastest"]
SPEED = "speed.tokensPerSecond"
# Metrics of which more is better; of all others less is.
_MORE_IS_BETTER = ("speed.", "tasks.")


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
    reason: str


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

    Args:
        candidates: in the order of the pipeline; earlier ones win a tie.
        baseline: figures of the model that bounds are relative to.
        within: metric to largest ratio to the baseline (smallest, for metrics of which more is better).
        select: ``smallest`` weights, ``best`` by ``metric``, or ``fastest``.
        metric: for ``best``.
    """
    rejected = []
    passed = []
    for candidate in candidates:
        reason = why_rejected(candidate, baseline, within)
        if reason:
            rejected.append(Rejection(candidate.title, reason))
        else:
            passed.append(candidate)
    if not passed:
        return Choice(None, tuple(rejected))
    return Choice(min(passed, key=lambda c: _rank(c, select, metric)), tuple(rejected))


def why_rejected(candidate: Candidate, baseline: Mapping[str, float], within: Mapping[str, float]) -> str:
    """Why the candidate cannot be registered; empty if it can."""
    if not candidate.verified:
        return "no verification of exactly these bytes passed"
    for metric, bound in within.items():
        if metric not in candidate.metrics:
            return f"{metric} was not measured"
        if not baseline.get(metric):
            return f"{metric} of the baseline was not measured"
        ratio = candidate.metrics[metric] / baseline[metric]
        within_bound = ratio >= bound if more_is_better(metric) else ratio <= bound
        if not within_bound:
            word = "at least" if more_is_better(metric) else "at most"
            return f"{metric} is {ratio:.3f} times the baseline's, {word} {bound:g} is allowed"
    return ""


def _rank(candidate: Candidate, select: Selection, metric: str | None) -> tuple[float, float]:
    size = float(candidate.size_bytes)
    if select == "smallest":
        return size, 0.0
    name = SPEED if select == "fastest" else str(metric)
    value = candidate.metrics.get(name, float("-inf") if more_is_better(name) else float("inf"))
    return (-value if more_is_better(name) else value), size
