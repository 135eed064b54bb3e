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
from bongsu.domain.titles import brief
from bongsu.service.showing import RunDetails, StageDetails
from bongsu.store.records import RunRecord


def runs_view(runs: Sequence[RunRecord]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for name in (_("Run"), _("Pipeline"), _("State"), _("Owner"), _("Label"), _("Created"), _("Duration")):
        table.add_column(name, no_wrap=name != _("Pipeline"), overflow="fold")
    for run in runs:
        took = run.finished_at - run.started_at if run.finished_at and run.started_at else None
        table.add_row(
            run.id,
            run.pipeline,
            _(run.state.value),
            run.ministry,
            run.label,
            moment(run.created_at)[5:],
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
    failed = [stage for stage in details.stages if stage.failure]
    return Group(
        *lines,
        _stages(details),
        *[Text(f"{brief(stage.planned.title)}: {stage.failure}", style="red") for stage in failed],
    )


def _stages(details: RunDetails) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("")
    table.add_column(_("Stage"), overflow="fold")
    for name in (_("State"), _("Duration"), _("Memory"), _("Outputs")):
        table.add_column(name, no_wrap=True)
    for stage in details.stages:
        mark, style = MARKS[stage.record.state]
        outputs = "\n".join(f"{name} {short(ref.digest)[7:]}" for name, ref in stage.record.outputs.items())
        table.add_row(
            Text(mark, style=style),
            brief(stage.planned.title),
            _(stage.record.state.value) + (f" ×{len(stage.attempts)}" if len(stage.attempts) > 1 else ""),
            _took(stage),
            _peak(stage),
            outputs,
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
