"""Lists of runs, and one run in detail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bongsu.cli.render.attempts import attempts_view
from bongsu.cli.render.progress import MARKS, words
from bongsu.cli.texts import _, said
from bongsu.domain.ids import StageId
from bongsu.domain.quantities import duration, short, size
from bongsu.domain.run import RunState, StageState
from bongsu.domain.titles import brief
from bongsu.service.showing import RunDetails, StageDetails
from bongsu.service.summaries import RunSummary
from bongsu.service.watching import RunProgress, StageProgress

_RUN_ID_WIDTH = 14


def runs_view(runs: Sequence[RunSummary]) -> Table:
    """Two lines for each run: its id, and below it whose run of which pipeline it is."""
    table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column(_("Run"), overflow="fold", min_width=_RUN_ID_WIDTH)
    table.add_column(_("State"), no_wrap=True)
    table.add_column(_("Label"), overflow="fold")
    for name in (_("Created"), _("Duration")):
        table.add_column(name, no_wrap=True)
    for run in runs:
        table.add_row(
            Text.assemble((run.id, "bold"), f"\n{run.pipeline} · {run.ministry}"),
            _("interrupted") if run.interrupted else _(run.state.value),
            run.label,
            moment(run.created_at)[5:],
            duration(run.worked_seconds),
        )
    return table


def state_words(run: RunSummary) -> str:
    """The state, and how to go on with a run that no process drives."""
    if not run.interrupted:
        return _(run.state.value)
    if run.state is RunState.CANCELLING:
        return _("interrupted while it was cancelled (`bongsu cancel {run}` ends it)").format(run=run.id)
    return _("interrupted (go on with `bongsu resume {run}`)").format(run=run.id)


def took(run: RunSummary) -> str:
    """How long it was worked on, and since when if there were times at which nobody did."""
    if run.worked_seconds is None:
        return ""
    elapsed = run.elapsed_seconds
    if elapsed is None or elapsed < 1.1 * run.worked_seconds + 1:
        return duration(run.worked_seconds)
    text = _("{worked} of work within {elapsed}")
    return text.format(worked=duration(run.worked_seconds), elapsed=duration(elapsed))


def details_view(details: RunDetails, watched: RunProgress | None = None) -> RenderableType:
    """A run, its stages, and the attempts that have something to tell.

    Args:
        details: the run.
        watched: how far its stages are that run; None if nobody looked.
    """
    run = details.run
    head = Text(f"{run.id}  {run.pipeline}", style="bold")
    head.append(
        f"  {run.ministry} · {run.use_class} · {_('Label')} {run.label} · {short(run.plan_hash)}", style="dim"
    )
    lines: list[RenderableType] = [head, Text(details.plan.purpose.statement)]
    state = Text(state_words(run), style="yellow" if run.interrupted else "")
    state.append(f"  {took(run)}", style="dim")
    if run.submitted_by:
        state.append(" · " + _("submitted by {person}").format(person=run.submitted_by), style="dim")
    lines.append(state)
    if details.reason:
        lines.append(Text(said(details.reason), style="red"))
    live = {stage.id: stage for stage in watched.stages} if watched else {}
    attempts = attempts_view(details.stages, live, interrupted=run.interrupted)
    return Group(*lines, _stages(details, live), *([attempts] if attempts else []), *_failures(details))


def _failures(details: RunDetails) -> Iterator[Text]:
    """Why stages did not succeed, and how to mend it."""
    for stage in details.stages:
        if stage.failure:
            yield Text(f"{brief(stage.planned.title)}: {said(stage.failure)}", style="red")
        if stage.last_failure and stage.last_failure.fix:
            yield Text(f"    → {said(stage.last_failure.fix)}")


def _stages(details: RunDetails, live: Mapping[StageId, StageProgress]) -> Table:
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
            _titled(stage, live.get(stage.planned.id)),
            _stage_state(details, stage) + (f" ×{len(stage.attempts)}" if len(stage.attempts) > 1 else ""),
            duration(stage.record.worked_seconds),
            _peak(stage),
            outputs,
        )
    return table


def _titled(stage: StageDetails, view: StageProgress | None) -> Text:
    """The stage's name, and below it what it is at while it runs."""
    text = Text(brief(stage.planned.title))
    if view is not None and stage.record.state is StageState.RUNNING:
        text.append(f"\n{words(view)}", style="dim")
    return text


def _stage_state(details: RunDetails, stage: StageDetails) -> str:
    stands_still = details.run.interrupted and stage.record.state is StageState.RUNNING
    return _("interrupted") if stands_still else _(stage.record.state.value)


def _peak(stage: StageDetails) -> str:
    peaks = [attempt.peak_memory_bytes for attempt in stage.attempts if attempt.peak_memory_bytes]
    return size(max(peaks)) if peaks else "–"


def moment(seconds: float) -> str:
    """Local time to the minute."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")
