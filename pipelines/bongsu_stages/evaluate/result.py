"""``evaluation.json``: what the evaluation stages leave, in one format."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from bongsu.artifacts.base import TreeWriter
from bongsu.artifacts.writing import write_bytes
from bongsu.domain.metrics import finite
from bongsu.domain.weights import weight_bytes
from bongsu_stages.runtime.context import NamedTree


@dataclass(frozen=True)
class Entry:
    """Figures of one model; names such as ``perplexity.law``, intervals at 95%."""

    title: str
    model_digest: str
    size_bytes: int
    metrics: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)


def entry_of(model: NamedTree, metrics: dict[str, float], intervals: dict[str, tuple[float, float]]) -> Entry:
    """Figures that are no finite number, as of a broken model, count as not measured."""
    kept = finite(metrics)
    known = {
        name: interval for name, interval in intervals.items() if name in kept and all(map(isfinite, interval))
    }
    return Entry(model.title, model.ref.digest, weight_bytes(model.reader.manifest.files), kept, known)


def write_evaluation(writer: TreeWriter, kind: str, entries: Sequence[Entry], details: dict[str, Any]) -> None:
    """Write ``evaluation.json``; equal figures give equal bytes."""
    content = {
        "kind": kind,
        "entries": [
            {
                "title": entry.title,
                "modelDigest": entry.model_digest,
                "sizeBytes": entry.size_bytes,
                "metrics": entry.metrics,
                "intervals": {name: list(interval) for name, interval in entry.intervals.items()},
            }
            for entry in entries
        ],
        "details": details,
    }
    text = json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    write_bytes(writer, "evaluation.json", text.encode())


def summary(entries: Sequence[Entry]) -> dict[str, float]:
    """Metrics of the stage: those of a single model as they are, of several by the model's title too."""
    if len(entries) == 1:
        return dict(entries[0].metrics)
    return {f"{name}/{entry.title}": value for entry in entries for name, value in entry.metrics.items()}
