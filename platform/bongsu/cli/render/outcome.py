"""What came of a run: its model variants side by side."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bongsu.cli.render.quantities import duration, figure, short, size
from bongsu.cli.texts import _
from bongsu.domain.titles import brief
from bongsu.service.showing import RunDetails
from bongsu.service.variants import Variant

# Speeds that are worth a column; others are in `show --json` and in the report.
SHOWN = frozenset({"speed.tokensPerSecond"})


def outcome_view(details: RunDetails, variants: Sequence[Variant]) -> RenderableType:
    """One line about the run, and a table of variants: size, figures, change against the uncompressed model."""
    run = details.run
    took = run.finished_at - run.started_at if run.finished_at and run.started_at else None
    line = Text(_("Run {run}: {state}").format(run=run.id, state=_(run.state.value)), style="bold")
    if took is not None:
        line.append(f"  {duration(took)}", style="dim")
    measured = [variant for variant in variants if variant.metrics or variant.verified is not None]
    return Group(line, _table(measured)) if measured else line


def _table(variants: Sequence[Variant]) -> RenderableType:
    """Figures side by side, and below them where the bytes are: a terminal of 80 columns holds it."""
    base = next((v for v in variants if v.baseline), None)
    names = [
        name for name in dict.fromkeys(n for v in variants for n in v.metrics) if name in SHOWN or _is_main(name)
    ]
    table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(_("Variant"), no_wrap=True)
    table.add_column(_("Weights"), justify="right", no_wrap=True)
    for name in names:
        table.add_column(_heading(name), justify="right", no_wrap=True)
    table.add_column(_("Verified"))
    table.add_column(_("Label"))
    for variant in variants:
        verdict = "–" if variant.verified is None else _("yes") if variant.verified else _("no")
        table.add_row(
            brief(variant.title) + (" ★" if variant.version else ""),
            size(variant.weights_bytes) + _factor(variant, base),
            *[_cell(variant, name) for name in names],
            verdict,
            str(variant.label),
            style="bold" if variant.version else "",
        )
    places = Table(box=None, pad_edge=False, show_header=False)
    for variant in variants:
        link = f"★ {variant.version.link}" if variant.version else ""
        places.add_row(brief(variant.title), short(variant.digest), link)
    return Group(table, Text(_("Changes are against the uncompressed model."), style="dim"), Text(), places)


def _is_main(name: str) -> bool:
    return name.startswith(("perplexity.", "tasks."))


def _heading(name: str) -> str:
    kind, _dot, what = name.partition(".")
    return {"perplexity": f"{_('perplexity')}\n{what}", "speed": "tok/s"}.get(kind, name)


def _cell(variant: Variant, name: str) -> str:
    text = figure(variant.metrics.get(name))
    if name in variant.change and variant.stage_id is not None:
        text += f"\n{variant.change[name] * 100:+.1f}%"
    return text


def _factor(variant: Variant, base: Variant | None) -> str:
    if (
        base is None
        or variant is base
        or variant.stage_id is None
        or not base.weights_bytes
        or not variant.weights_bytes
    ):
        return ""
    return f"\n÷ {base.weights_bytes / variant.weights_bytes:.2f}"
