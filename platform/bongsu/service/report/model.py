"""What a report shows, gathered once and free of any store."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bongsu.domain.lineage import NodeKind
from bongsu.domain.phrases import Words


@dataclass(frozen=True)
class ReportVariant:
    """One model of the run.

    Attributes:
        title: e.g. ``quantize 0.5``.
        weights_bytes: bytes of the weight files alone, what a server has to load.
        metrics: by name, e.g. ``perplexity.law``.
        intervals: confidence intervals of metrics that have one.
        change, shrink: against the baseline, as of :class:`bongsu.service.variants.Variant`.
        baseline: the uncompressed model that others are compared with.
        verified: verdict of the verification gate, None if it was not asked.
        version: ``NAME/3`` if it was registered.
    """

    title: str
    digest: str
    weights_bytes: int
    metrics: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    change: dict[str, float] = field(default_factory=dict)
    shrink: float | None = None
    baseline: bool = False
    verified: bool | None = None
    label: str = "O"
    version: str | None = None


@dataclass(frozen=True)
class Series:
    """Points (step, value) of one metric of one stage; ``origin`` is the run that made them, None for this one."""

    title: str
    metric: str
    points: tuple[tuple[int, float], ...]
    origin: str | None = None


@dataclass(frozen=True)
class Bar:
    """One attempt on the time line; times in seconds since the run began."""

    title: str
    attempt: int
    start: float
    end: float
    state: str


@dataclass(frozen=True)
class Timeline:
    """Attempts of one run; ``origin`` is an earlier run whose outputs were taken from the cache, None for this one."""

    bars: tuple[Bar, ...]
    origin: str | None = None


@dataclass(frozen=True)
class Broken:
    """What did not succeed, and how to mend it; ``attempt`` is None where a stage failed without one."""

    title: str
    attempt: int | None
    state: str
    message: Words
    fix: Words = ""


@dataclass(frozen=True)
class GraphNode:
    """``group`` is the stage whose matrix this is a point of; empty for what is no point of a matrix."""

    id: str
    kind: NodeKind
    title: str
    label: str = "O"
    group: str = ""


@dataclass(frozen=True)
class GraphEdge:
    source: str
    target: str


@dataclass(frozen=True)
class RunReport:
    """Everything on the page."""

    run_id: str
    pipeline: str
    ministry: str
    purpose: str
    use_class: str
    state: str
    label: str
    plan_hash: str
    started: datetime | None
    finished: datetime | None
    generated: datetime
    worked_seconds: float | None = None
    interrupted: bool = False
    broken: tuple[Broken, ...] = ()
    variants: tuple[ReportVariant, ...] = ()
    series: tuple[Series, ...] = ()
    timelines: tuple[Timeline, ...] = ()
    nodes: tuple[GraphNode, ...] = ()
    edges: tuple[GraphEdge, ...] = ()
    cards: tuple[tuple[str, dict[str, Any]], ...] = ()
    """Data cards: title of the stage that made it, content of ``card.json``."""
