"""The frontier of a run as a picture file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bongsu.domain.problems import Translate
from bongsu.service.home import PICTURES
from bongsu.service.platform import Platform
from bongsu.service.report.charts import frontier, is_drawable
from bongsu.service.report.collect import report_variant
from bongsu.service.report.fonts import hangul_font
from bongsu.service.report.style import as_png
from bongsu.service.variants import Variant


def save_frontier(
    platform: Platform, run_id: str, models: Sequence[Variant], translate: Translate = str
) -> Path | None:
    """Write ``pictures/<run>.png`` below the home directory; None if no variant has a perplexity.

    Its words are English where this machine has no font with Hangul.
    """
    shown = [report_variant(model) for model in models if model.metrics and model.weights_bytes]
    named = dict.fromkeys(n for v in shown for n in v.metrics if n.startswith("perplexity.") and is_drawable(v, n))
    metrics = list(named)
    if not metrics:
        return None
    path = platform.home / PICTURES / f"{run_id}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    font = hangul_font()
    path.write_bytes(frontier(shown, metrics, as_png, translate if font else str, [font] if font else []))
    return path
