"""What came of a run: its model variants side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bongsu.cli.render.runs import state_words, took
from bongsu.cli.texts import _
from bongsu.domain.quantities import change, figure, interval, short, size
from bongsu.domain.titles import brief
from bongsu.service.showing import RunDetails
from bongsu.service.variants import Variant

# Speeds that are worth a column; others are in `show --json` and in the report.
SHOWN = frozenset({"speed.tokensPerSecond"})


def outcome_view(details: RunDetails, variants: Sequence[Variant]) -> RenderableType:
    """One line about the run, and a table of variants: size, figures, change against the uncompressed model."""
    run = details.run
    table = variants_view(variants)
    line = Text(_("Run {run}: {state}").format(run=run.id, state=state_words(run)), style="bold")
    line.append(f"  {took(run)}", style="dim")
    return Group(line, table) if table is not None else line


def variants_view(variants: Sequence[Variant]) -> RenderableType | None:
    """The variants of which something was measured, side by side; None if there are none."""
    measured = [variant for variant in variants if variant.metrics or variant.verified is not None]
    return _table(measured) if measured else None


def _table(variants: Sequence[Variant]) -> RenderableType:
    """Figures side by side, and below them where the bytes are: a terminal of 80 columns holds it."""
    names = [
        name for name in dict.fromkeys(n for v in variants for n in v.metrics) if name in SHOWN or _is_main(name)
    ]
    table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(_("Variant"), no_wrap=True)
    table.add_column(_("Weights"), justify="right", no_wrap=True)
    for name in names:
        table.add_column(_heading(name), justify="right", no_wrap=True)
    table.add_column(_("Verified"), min_width=3)
    for variant in variants:
        verdict = "–" if variant.verified is None else _("yes") if variant.verified else _("no")
        table.add_row(
            brief(variant.title) + (" ★" if variant.version else ""),
            size(variant.weights_bytes) + (f"\n÷ {variant.shrink:.2f}" if variant.shrink else ""),
            *[_cell(variant, name) for name in names],
            verdict,
            style="bold" if variant.version else "",
        )
    notes = []
    if any(name in variant.intervals for variant in variants for name in names):
        notes.append(Text(_("Ranges below figures are 95% intervals."), style="dim"))
    if any(variant.change for variant in variants):
        notes.append(Text(_("Changes are against the uncompressed model."), style="dim"))
    return Group(table, *notes, Text(), *_places(variants))


def _places(variants: Sequence[Variant]) -> Iterator[Text]:
    """Which bytes each variant is, how they are labelled, as what they are registered, and where MLflow shows them."""
    width = max(cell_len(brief(variant.title)) for variant in variants)
    for variant in variants:
        line = Text(set_cell_size(brief(variant.title), width), style="bold" if variant.version else "")
        line.append(f"  {short(variant.digest)}  {_('Label')} {variant.label}", style="")
        if variant.version:
            line.append(f"  ★ {variant.version.link}")
        yield line
        # In one piece, however narrow the terminal: half a link opens nothing. Whoever prints it does not crop.
        yield Text(variant.page or "–", style="dim", no_wrap=True, overflow="ignore")
    if any(variant.page for variant in variants):
        yield Text(_("`bongsu mlflow` opens these links; of a server it says what does."), style="dim")
    if not all(variant.page for variant in variants):
        yield Text(_("MLflow hears of the others in a moment; `bongsu show` has their links then."), style="dim")


def _is_main(name: str) -> bool:
    return name.startswith(("perplexity.", "tasks."))


def _heading(name: str) -> str:
    kind, _dot, what = name.partition(".")
    return {"perplexity": f"{_('perplexity')}\n{what}", "speed": "tok/s"}.get(kind, name)


def _cell(variant: Variant, name: str) -> str:
    text = figure(variant.metrics.get(name))
    if name in variant.metrics and name in variant.intervals:
        text += f"\n{interval(*variant.intervals[name])}"
    if name in variant.change:
        text += f"\n{change(variant.change[name])}"
    return text
