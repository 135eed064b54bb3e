"""Lists of runs, and one run in detail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bongsu.cli.render.progress import MARKS
from bongsu.cli.render.quantities import duration, short, size
from bongsu.cli.texts import _
from bongsu.service.showing import RunDetails, StageDetails
from bongsu.store.records import RunRecord


def runs_view(runs: Sequence[RunRecord]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in (_("Run"), _("Pipeline"), _("State"), _("Ministry"), _("Label"), _("Created"), _("Duration")):
        table.add_column(name, no_wrap=True)
    for run in runs:
        took = run.finished_at - run.started_at if run.finished_at and run.started_at else None
        table.add_row(
            run.id,
            run.pipeline,
            _(run.state.value),
            run.ministry,
            run.label,
            moment(run.created_at),
            duration(took),
        )
    return table


def details_view(details: RunDetails) -> RenderableType:
    run = details.run
    head = Text(f"{run.id}  {run.pipeline}", style="bold")
    head.append(
        f"  {run.ministry} · {run.use_class} · {_('Label')} {run.label} · {short(run.plan_hash)}", style="dim"
    )
    lines: list[RenderableType] = [head, Text(details.plan.purpose.statement)]
    if details.reason:
        lines.append(Text(details.reason, style="red"))
    return Group(*lines, _stages(details))


def _stages(details: RunDetails) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("", _("Stage"), _("State"), _("Attempts"), _("Duration"), _("Peak memory"), _("Outputs"), ""):
        table.add_column(name)
    for stage in details.stages:
        mark, style = MARKS[stage.record.state]
        outputs = ", ".join(f"{name} {short(ref.digest)}" for name, ref in stage.record.outputs.items())
        table.add_row(
            Text(mark, style=style),
            stage.planned.title,
            _(stage.record.state.value),
            str(len(stage.attempts)) if stage.attempts else "–",
            _took(stage),
            _peak(stage),
            outputs,
            stage.failure,
        )
    return table


def _took(stage: StageDetails) -> str:
    started, finished = stage.record.started_at, stage.record.finished_at
    return duration(finished - started if started and finished else None)


def _peak(stage: StageDetails) -> str:
    peaks = [attempt.peak_memory_bytes for attempt in stage.attempts if attempt.peak_memory_bytes]
    return size(max(peaks)) if peaks else "–"


def moment(seconds: float) -> str:
    """Local time to the minute."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")
