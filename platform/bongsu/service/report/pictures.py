"""The frontier of a run as a picture file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bongsu.service.platform import Platform
from bongsu.service.report.charts import frontier, is_drawable
from bongsu.service.report.collect import report_variant
from bongsu.service.report.style import as_png
from bongsu.service.variants import Variant


def save_frontier(platform: Platform, run_id: str, models: Sequence[Variant]) -> Path | None:
    """Write ``pictures/<run>.png`` below the home directory; None if no variant has a perplexity."""
    shown = [report_variant(model) for model in models if model.metrics and model.weights_bytes]
    named = dict.fromkeys(n for v in shown for n in v.metrics if n.startswith("perplexity.") and is_drawable(v, n))
    metrics = list(named)
    if not metrics:
        return None
    path = platform.home / "pictures" / f"{run_id}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(frontier(shown, metrics, as_png))
    return path
