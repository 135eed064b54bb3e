"""The charts of a report: frontier, loss curves, time line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite, nan
from typing import Any

from bongsu.domain.messages import N_
from bongsu.domain.problems import Translate
from bongsu.service.report.model import Bar, ReportVariant, Series
from bongsu.service.report.style import COLOURS, DASHES, MARKERS, figure

Render = Callable[[Any], Any]
# More variants than this would write over one another: then only those that count are named.
NAMED_VARIANTS = 12
# Lines that can be told apart on one chart.
LINES = len(COLOURS)
STATE_HATCHES = {"failed": "///", "lost": "xxx", "timed-out": "\\\\\\", "cancelled": "..."}


def pareto(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points that no other beats in both coordinates (smaller is better in each), by rising x."""
    best = float("inf")
    kept = []
    for x, y in sorted(points):
        if y < best:
            kept.append((x, y))
            best = y
    return kept


def is_drawable(variant: ReportVariant, metric: str) -> bool:
    """It has a size and a figure; a perplexity that is not a number, or infinite, has no place on a chart."""
    return variant.weights_bytes > 0 and isfinite(variant.metrics.get(metric, nan))


def frontier(
    variants: Sequence[ReportVariant],
    metrics: Sequence[str],
    render: Render,
    translate: Translate = str,
    fonts: Sequence[str] = (),
) -> Any:
    """Size of the weights against perplexity, one panel a metric; the line joins what nothing beats.

    Returns what ``render`` (``as_svg`` or ``as_png``) makes of the figure.
    """
    count = max(1, len(metrics))
    rows = -(-count // 2)
    with figure(5.2 * min(2, count), 4.2 * rows, panels=count, fonts=fonts) as (drawn, panels):
        for place, (axes, metric) in enumerate(zip(panels if count > 1 else [panels], metrics, strict=False)):
            shown = [v for v in variants if is_drawable(v, metric)]
            _frontier_panel(axes, shown, metric, place)
            name = metric.replace("perplexity.", "")
            title = translate(N_("{name} text")).format(name=name)
            # Of a font of the machine there may be no bold face.
            axes.set_title(title, loc="left", fontsize=10, fontweight="normal" if fonts else "bold")
            axes.set_xlabel(translate(N_("weights on disk (MB)")))
            axes.set_ylabel(translate(N_("held-out perplexity, lower is better")))
        return render(drawn)


def _frontier_panel(axes: Any, shown: Sequence[ReportVariant], metric: str, place: int) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
    points = [(v.weights_bytes / 1e6, v.metrics[metric]) for v in shown]
    for variant, (x, y) in zip(shown, points, strict=True):
        low, high = (end if isfinite(end) else y for end in variant.intervals.get(metric, (y, y)))
        axes.errorbar(
            x,
            y,
            yerr=[[max(0.0, y - low)], [max(0.0, high - y)]],
            color=colour,
            marker=marker,
            markersize=7,
            markerfacecolor=colour if variant.version else "white",
            capsize=3,
            linewidth=1,
        )
    edge = pareto(points)
    axes.plot([x for x, _ in edge], [y for _, y in edge], DASHES[1], color=colour, linewidth=1)
    named = [v for v, point in zip(shown, points, strict=True) if v.baseline or v.version or point in edge]
    _name_points(axes, shown if len(shown) <= NAMED_VARIANTS else named, metric)
    values = [y for _, y in points]
    if values and max(values) > 5 * min(values) > 0:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(FixedLocator([m * 10**e for e in range(8) for m in (1, 2, 5)]))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.margins(x=0.25, y=0.2)


def _name_points(axes: Any, shown: Sequence[ReportVariant], metric: str) -> None:
    """Write each variant's title at an end of its interval, above and below in turn, so that neighbours do not meet."""
    ordered = sorted(shown, key=lambda variant: (variant.weights_bytes, variant.metrics[metric]))
    for number, variant in enumerate(ordered):
        above = number % 2 == 0
        value = variant.metrics[metric]
        low, high = variant.intervals.get(metric, (value, value))
        end = high if above else low
        axes.annotate(
            variant.title + (" ★" if variant.version else ""),
            (variant.weights_bytes / 1e6, end if isfinite(end) else value),
            xytext=(0, 6 if above else -6),
            textcoords="offset points",
            ha="center",
            va="bottom" if above else "top",
            fontsize=8.5,
            # What lies behind a name does not strike it through.
            bbox={"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.8},
        )


def losses(series: Sequence[Series], render: Render, translate: Translate = str) -> Any:
    """Loss by optimizer step, one line a stage; more lines than can be told apart go on in a panel below."""
    panels = [series[begin : begin + LINES] for begin in range(0, len(series), LINES)] or [series]
    with figure(10, 3.4 * -(-len(panels) // min(2, len(panels))), panels=len(panels)) as (drawn, axes):
        for panel, lines in zip(axes if len(panels) > 1 else [axes], panels, strict=True):
            _loss_panel(panel, lines)
            panel.set_xlabel(translate(N_("optimizer step")))
            panel.set_ylabel(translate(N_("loss (nats per token)")))
        return render(drawn)


def _loss_panel(axes: Any, series: Sequence[Series]) -> None:
    for place, line in enumerate(series):
        axes.plot(
            [step for step, _ in line.points],
            [value if isfinite(value) else nan for _, value in line.points],
            DASHES[place % len(DASHES)],
            color=COLOURS[place % len(COLOURS)],
            label=f"{line.title} · {line.origin}" if line.origin else line.title,
        )
    if series:
        axes.legend(frameon=False)


def timeline(bars: Sequence[Bar], render: Render, translate: Translate = str) -> Any:
    """Attempts as bars over time; failed, lost and cancelled ones are hatched."""
    rows = list(dict.fromkeys(bar.title for bar in bars))
    with figure(10, max(1.6, 0.32 * len(rows) + 0.8)) as (drawn, axes):
        # What took a moment is seen all the same.
        least = max((bar.end for bar in bars), default=0.0) / 300
        for bar in bars:
            hatch = STATE_HATCHES.get(bar.state, "")
            axes.barh(
                rows.index(bar.title),
                max(bar.end - bar.start, least),
                left=bar.start,
                height=0.6,
                color="#bbbbbb" if hatch else COLOURS[0],
                hatch=hatch,
                edgecolor="white",
            )
        axes.set_yticks(range(len(rows)), rows)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(left=0)
        axes.set_xlabel(translate(N_("seconds since the run began")))
        axes.grid(axis="y", visible=False)
        return render(drawn)
