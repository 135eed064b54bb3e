"""Attempts at stages: how each of them ended, for stages that needed more than one or had one fail."""

from __future__ import annotations

from collections.abc import Mapping

from rich import box
from rich.table import Table
from rich.text import Text

from bongsu.cli.texts import _, said
from bongsu.domain.ids import StageId
from bongsu.domain.quantities import duration
from bongsu.domain.run import AttemptState
from bongsu.domain.titles import brief
from bongsu.service.showing import StageDetails
from bongsu.service.summaries import AttemptSummary
from bongsu.service.watching import StageProgress

_BROKEN = frozenset({AttemptState.FAILED, AttemptState.TIMED_OUT, AttemptState.LOST})
_STYLES = {AttemptState.SUCCEEDED: "green", AttemptState.CANCELLED: "yellow", **dict.fromkeys(_BROKEN, "red")}


def attempts_view(
    stages: tuple[StageDetails, ...], live: Mapping[StageId, StageProgress], *, interrupted: bool
) -> Table | None:
    """One line for each attempt at a stage that has something to tell; None if no stage has.

    Args:
        stages: of one run.
        live: what is known of stages that run, by their ids.
        interrupted: nobody drives the run, so that attempts that are not over stand still.
    """
    told = [stage for stage in stages if _is_telling(stage)]
    if not told:
        return None
    table = _empty()
    for stage in told:
        for attempt in stage.attempts:
            view = None if attempt.state.is_final else live.get(stage.planned.id)
            stands_still = interrupted and not attempt.state.is_final
            table.add_row(
                brief(stage.planned.title) if attempt is stage.attempts[0] else "",
                str(attempt.number),
                _state(attempt, stands_still=stands_still),
                _took(attempt, None if stands_still else view),
                _step(attempt, view),
                reason_words(attempt),
            )
    return table


def reason_words(attempt: AttemptSummary) -> str:
    """Why it ended as it did; empty if it was not made to, and did not fail."""
    if attempt.failure is not None:
        return said(attempt.failure.message)
    return _(attempt.stop_reason.value) if attempt.stop_reason else ""


def _is_telling(stage: StageDetails) -> bool:
    return len(stage.attempts) > 1 or any(attempt.state in _BROKEN for attempt in stage.attempts)


def _empty() -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(_("Stage"), overflow="fold", max_width=20)
    table.add_column(_("Attempt"), justify="right")
    for name in (_("State"), _("Duration"), _("Step")):
        table.add_column(name, no_wrap=True)
    table.add_column(_("Reason"), overflow="fold", ratio=1)
    return table


def _state(attempt: AttemptSummary, *, stands_still: bool) -> Text:
    words = _("interrupted") if stands_still else _(attempt.state.value)
    return Text(words, style=_STYLES.get(attempt.state, ""))


def _took(attempt: AttemptSummary, view: StageProgress | None) -> str:
    if attempt.finished_at is not None:
        return duration(max(0.0, attempt.finished_at - (attempt.started_at or attempt.requested_at)))
    return duration(view.seconds if view else None)


def _step(attempt: AttemptSummary, view: StageProgress | None) -> str:
    step = view.step if view and view.step is not None else attempt.last_step
    if step is None:
        return "–"
    return f"{step}/{view.total}" if view and view.total else str(step)
