"""The report as one HTML file: no script, no font, no picture from elsewhere; opens offline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bongsu.domain.messages import N_
from bongsu.domain.phrases import in_words
from bongsu.domain.problems import Translate
from bongsu.domain.quantities import change, duration, figure, short, size
from bongsu.service.report import charts, graph
from bongsu.service.report.cards import card_rows
from bongsu.service.report.model import RunReport
from bongsu.service.report.style import as_svg

Settle = Callable[[str], str]

_SPEEDS = {
    "speed.tokensPerSecond": N_("tokens/s, reading"),
    "speed.decodeTokensPerSecond": N_("tokens/s, writing"),
}


def render_page(report: RunReport, language: str = "en", translate: Translate = str, settle: Settle = str) -> str:
    """HTML text of the report.

    Args:
        report: what to show.
        language: ``en`` or ``ko``, for the document's ``lang``.
        translate: maps English sentences to the reader's language.
        settle: gives a sentence of that language its last form, once its values are filled in.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"size": size, "figure": figure, "short": short, "change": change, "duration": duration}
    environment.filters["heading"] = lambda metric: metric_words(metric, translate)
    environment.filters["card_rows"] = lambda card: list(card_rows(card, translate))
    environment.filters["said"] = lambda words: settle(in_words(words, translate))
    metrics = perplexities(report)
    pictures = {
        "frontier": charts.frontier(report.variants, metrics, as_svg, translate) if metrics else "",
        "losses": charts.losses(report.series, as_svg, translate) if report.series else "",
        "timelines": [charts.timeline(one.bars, as_svg, translate) for one in report.timelines],
        "lineage": graph.lineage(report.nodes, report.edges, as_svg, translate) if report.nodes else "",
    }
    return environment.get_template("page.html.j2").render(
        r=report,
        language=language,
        _=translate,
        metrics=metrics,
        columns=metric_columns(report),
        pictures=pictures,
    )


def perplexities(report: RunReport) -> list[str]:
    """Names of the perplexities that can be drawn, in the order of their first appearance."""
    return [
        name
        for name in metric_columns(report)
        if name.startswith("perplexity.") and any(charts.is_drawable(v, name) for v in report.variants)
    ]


def metric_columns(report: RunReport) -> list[str]:
    """Every metric of any variant, in the order of first appearance."""
    return list(dict.fromkeys(name for variant in report.variants for name in variant.metrics))


def metric_words(metric: str, translate: Translate = str) -> str:
    """The name of a metric as the head of a column: ``perplexity, law`` for ``perplexity.law``."""
    if metric in _SPEEDS:
        return translate(_SPEEDS[metric])
    kind, dot, what = metric.partition(".")
    return f"{translate(kind)}, {what}" if dot and what else metric
