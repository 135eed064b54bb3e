"""Live progress: stages with bars, loss, rate and time left; or plain lines where there is no terminal."""

from __future__ import annotations

from collections.abc import Callable

from rich import box
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bongsu.cli.columns import cells
from bongsu.cli.texts import _, said
from bongsu.domain.phrases import Words
from bongsu.domain.quantities import duration, figure
from bongsu.domain.run import StageState
from bongsu.domain.titles import brief
from bongsu.service.watching import RunProgress, StageProgress

MARKS = {
    StageState.WAITING: ("·", "dim"),
    StageState.READY: ("·", ""),
    StageState.RUNNING: ("▶", "cyan"),
    StageState.PUBLISHING: ("▶", "cyan"),
    StageState.SUCCEEDED: ("✓", "green"),
    StageState.CACHED: ("✓", "dim green"),
    StageState.SKIPPED: ("–", "dim"),
    StageState.FAILED: ("✗", "red"),
    StageState.CANCELLED: ("✗", "yellow"),
}
# Metrics worth a glance while a stage runs, with the words they are shown by.
SHOWN = {"loss": "loss", "tokens_per_second": "tok/s", "kl": "kl", "perplexity": "ppl"}


# A bar takes what figures leave of a line.
_WIDE, _BAR, _SHORT_BAR = 100, 20, 6
# The mark, and what lies between columns.
_BETWEEN = 12
_LEAST_WORDS = 12
_REASON = 160
SILENT_S = 10.0
"""Lines of a stage that runs come this far apart."""


def progress_view(view: RunProgress, width: int = _WIDE) -> RenderableType:
    """The run at this moment, as a table for a terminal of ``width`` cells."""
    table = Table(box=box.SIMPLE, pad_edge=False, show_header=False, padding=(0, 1, 0, 0))
    is_wide = width >= _WIDE
    bar = _BAR if is_wide else _SHORT_BAR
    times = [_times(stage, with_left_only=not is_wide) for stage in view.stages]
    taken = bar + sum(
        max(map(cells, column), default=0) for column in ([brief(s.title) for s in view.stages], times)
    )
    for widest in (None, None, None, max(_LEAST_WORDS, width - taken - _BETWEEN), None):
        table.add_column(no_wrap=True, max_width=widest)
    for stage, time in zip(view.stages, times, strict=True):
        mark, style = MARKS[stage.state]
        title = Text(brief(stage.title), style=style)
        table.add_row(Text(mark, style=style), title, _bar(stage, bar), words(stage), time)
    parts: list[RenderableType] = [table, Text(summary(view), style="bold")]
    if view.trouble:
        parts.append(Text(said(view.trouble), style="red"))
    return Group(*parts)


def _bar(stage: StageProgress, width: int) -> RenderableType:
    if stage.step is None or not stage.total:
        return Text("")
    return ProgressBar(total=stage.total, completed=min(stage.step, stage.total), width=width)


def words(stage: StageProgress) -> str:
    """What the stage does or did, in a few words."""
    if stage.state in (StageState.FAILED, StageState.CANCELLED, StageState.SKIPPED):
        return _in_short(stage.reason)
    if stage.state is StageState.CACHED:
        return _("cached")
    shown = [f"{word} {figure(stage.metrics[name])}" for name, word in SHOWN.items() if name in stage.metrics]
    if stage.state is StageState.RUNNING and not stage.step:
        shown = [said(stage.phase or stage.waiting_for) or _("starts")]
    if stage.state is StageState.RUNNING and stage.step is not None and stage.total:
        shown.insert(0, f"{stage.step}/{stage.total}")
    if stage.attempt > 1:
        shown.append(_("attempt {number}").format(number=stage.attempt))
    return "  ".join(shown)


def _in_short(reason: Words) -> str:
    """The first line, as far as it is short: the whole of it stands where the run is told of when it is over."""
    first, *rest = said(reason).splitlines() or [""]
    return f"{first[:_REASON]} …" if rest or len(first) > _REASON else first


def _times(stage: StageProgress, *, with_left_only: bool) -> str:
    if stage.state is StageState.RUNNING and stage.seconds_left and with_left_only:
        return _left(stage.seconds_left)
    if stage.state is StageState.RUNNING and stage.seconds_left:
        return f"{duration(stage.seconds)}, {_left(stage.seconds_left)}"
    return duration(stage.seconds) if stage.seconds is not None else ""


def _left(seconds: float) -> str:
    return _("{time} left").format(time=duration(seconds))


def summary(view: RunProgress) -> str:
    text = _("{done} of {total} stages").format(done=view.done, total=len(view.stages))
    if view.seconds_left:
        left = _("at least {time} left") if view.takes_longer else _("about {time} left")
        text += ", " + left.format(time=duration(view.seconds_left))
    return text


class ProgressLines:
    """One line whenever a stage enters another state or begins another attempt, now and then while it runs, and when
    nothing moves: for logs and pipes."""

    def __init__(self, write: Callable[[str], None], monotonic: Callable[[], float]) -> None:
        self._write = write
        self._monotonic = monotonic
        self._seen: dict[str, tuple[StageState, int]] = {}
        self._said_at: dict[str, float] = {}
        self._trouble: Words = ""

    def update(self, view: RunProgress) -> None:
        if view.trouble and view.trouble != self._trouble:
            self._write(said(view.trouble))
        self._trouble = view.trouble
        for stage in view.stages:
            seen = (stage.state, stage.attempt)
            if self._seen.get(stage.id) == seen:
                self._go_on(stage)
                continue
            self._seen[stage.id] = seen
            self._said_at[stage.id] = self._monotonic()
            told = _event(stage)
            if told is not None:
                took = f"  {duration(stage.seconds)}" if stage.state.is_final and stage.seconds else ""
                state = _(stage.state.value)
                self._write(f"{MARKS[stage.state][0]} {brief(stage.title)}: {state}{took}  {told}".rstrip())

    def _go_on(self, stage: StageProgress) -> None:
        """How far a stage is that has run for a while since the last line."""
        if stage.state is not StageState.RUNNING or not stage.step:
            return
        now = self._monotonic()
        if now - self._said_at.get(stage.id, now) < SILENT_S:
            return
        self._said_at[stage.id] = now
        left = f"  {_left(stage.seconds_left)}" if stage.seconds_left else ""
        self._write(f"{MARKS[stage.state][0]} {brief(stage.title)}: {words(stage)}{left}")


def _event(stage: StageProgress) -> str | None:
    """What there is to say beside the state; None if not even that is worth a line."""
    if stage.state is StageState.WAITING or (stage.state is StageState.READY and not stage.attempt):
        return None
    if stage.state is StageState.READY:
        return _("attempt {number} follows, because: {reason}").format(
            number=stage.attempt + 1, reason=_in_short(stage.broken)
        )
    if stage.state is StageState.RUNNING and stage.attempt > 1:
        return _("attempt {number}, because: {reason}").format(number=stage.attempt, reason=_in_short(stage.broken))
    # The state itself says all there is to say of a stage that begins, or that was there.
    return "" if stage.state in (StageState.RUNNING, StageState.CACHED) else words(stage)
