"""The report as one HTML file: no script, no font, no picture from elsewhere; opens offline."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bongsu.domain.problems import Translate
from bongsu.service.report import charts, graph
from bongsu.service.report.model import ReportVariant, RunReport
from bongsu.service.report.style import as_svg


def render_page(report: RunReport, language: str = "en", translate: Translate = str) -> str:
    """HTML text of the report.

    Args:
        report: what to show.
        language: ``en`` or ``ko``, for the document's ``lang``.
        translate: maps English sentences to the reader's language.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"size": _size, "figure": _figure, "short": _short}
    metrics = perplexities(report)
    pictures = {
        "frontier": charts.frontier(report.variants, metrics, as_svg) if report.variants else "",
        "losses": charts.losses(report.series, as_svg) if report.series else "",
        "timeline": charts.timeline(report.timeline, as_svg) if report.timeline else "",
        "lineage": graph.lineage(report.nodes, report.edges, as_svg) if report.nodes else "",
    }
    return environment.get_template("page.html.j2").render(
        r=report,
        language=language,
        _=translate,
        metrics=metrics,
        columns=metric_columns(report),
        pictures=pictures,
        change=lambda variant, metric: change(variant, report.baseline, metric),
    )


def perplexities(report: RunReport) -> list[str]:
    """Names of the perplexities that were measured, in the order of their first appearance."""
    return [name for name in metric_columns(report) if name.startswith("perplexity.")]


def metric_columns(report: RunReport) -> list[str]:
    """Every metric of any variant, in the order of first appearance."""
    return list(dict.fromkeys(name for variant in report.variants for name in variant.metrics))


def change(variant: ReportVariant, baseline: ReportVariant | None, metric: str) -> str:
    """``+4.6%`` against the uncompressed model, empty where there is nothing to compare."""
    before = baseline.metrics.get(metric) if baseline else None
    after = variant.metrics.get(metric)
    if before is None or after is None or before == 0 or variant.baseline:
        return ""
    return f"{(after / before - 1) * 100:+.1f}%"


def _size(count: int) -> str:
    return f"{count / 1e6:,.2f} MB" if count < 1e9 else f"{count / 1e9:,.2f} GB"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def _short(digest: str) -> str:
    return digest[:19]
