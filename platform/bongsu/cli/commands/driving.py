"""Driving a run from the command line: live progress, then what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import typer

from bongsu.cli.commands.shared import problem_documents
from bongsu.cli.ending import Ended
from bongsu.cli.printing import out, say, say_json, unheard
from bongsu.cli.texts import _, said, translate
from bongsu.domain.phrases import clause
from bongsu.domain.problems import BongsuError

if TYPE_CHECKING:
    from bongsu.domain.plan import SkippedStage
    from bongsu.service.plane import Begun, Plane
    from bongsu.service.running import OnUpdate, Outcome
    from bongsu.service.watching import RunProgress

# Of a large matrix.
_MOST_SKIPPED = 10


def show_driving(plane: Plane, work: Callable[[OnUpdate | None], Outcome], as_json: bool) -> None:
    """Do the work, which drives a run, while its progress is shown; then show what came of it.

    Raises:
        BongsuError: ``run.failed`` or ``run.cancelled``, so that the exit status says it.
    """
    with _saying_how_it_goes_on(plane.drives_here), nullcontext() if as_json else _progress() as update:
        outcome = work(unheard(update) if update else None)
    if as_json:
        _print_document(outcome)
        return
    unheard(_print_outcome)(outcome)
    if outcome.problem:
        raise BongsuError([outcome.problem])
    if outcome.variants:
        path = plane.picture(outcome, translate)
        if path:
            say(_("Picture: {path}").format(path=path))
        run = outcome.details.run.id
        say(_("Report: `bongsu report {run}` writes one page for a browser.").format(run=run))


def tell_begin(begun: Begun) -> None:
    """Which run it is, and what is no part of it."""
    text = _("Run {run}") if begun.created else _("Run {run} goes on")
    say(text.format(run=begun.run_id) + f"  ({begun.pipeline})")
    if begun.skipped:
        _tell_skipped(begun.skipped)


def _tell_skipped(skipped: Sequence[SkippedStage]) -> None:
    """They are no part of the run: nobody will hear of them again."""
    from bongsu.cli.render.plan import why_skipped

    why = why_skipped(skipped)
    for one in skipped[:_MOST_SKIPPED]:
        say(f"– {one.short_title}: {why[one.id]}")
    if len(skipped) > _MOST_SKIPPED:
        say("– " + _("… {count} more (`bongsu plan --all` shows them)").format(count=len(skipped) - _MOST_SKIPPED))


def _print_document(outcome: Outcome) -> None:
    from bongsu.service.documents import run_document

    problems = problem_documents(outcome.details)
    say_json(run_document(outcome.details, outcome.variants, problems=problems))
    _tell_undelivered(outcome)
    if outcome.problem:
        raise typer.Exit(outcome.problem.code.exit_code)


def _print_outcome(outcome: Outcome) -> None:
    from bongsu.cli.render.outcome import outcome_view

    out().print(outcome_view(outcome.details, outcome.variants), crop=False)
    _tell_undelivered(outcome)


def _tell_undelivered(outcome: Outcome) -> None:
    if outcome.undelivered:
        waiting = _("{count} records wait for MLflow: {trouble}. Later runs try again; see `bongsu doctor`.")
        say(waiting.format(count=outcome.undelivered, trouble=said(clause(outcome.trouble))), error=True)


@contextmanager
def _saying_how_it_goes_on(drives_here: bool) -> Iterator[None]:
    """Ctrl-C, a request to end, or a fault of ours: whoever reads the terminal is told before things are taken down."""
    try:
        yield
    except BongsuError:  # which says itself what to do
        raise
    except (KeyboardInterrupt, Ended, Exception):
        if drives_here:
            say(_("The run is interrupted; `bongsu resume` goes on with it."), error=True)
        else:
            say(_("The run goes on at the server; `bongsu show` looks at it, `bongsu cancel` ends it."), error=True)
        raise


@contextmanager
def _progress() -> Iterator[OnUpdate]:
    """Live table on a terminal; elsewhere lines, now and then."""
    from rich.live import Live

    from bongsu.cli.render.progress import ProgressLines, progress_view

    console = out()
    if not console.is_terminal:
        yield ProgressLines(lambda line: console.print(line, soft_wrap=True), time.monotonic).update
        return
    live = Live(console=console, refresh_per_second=6, transient=True)

    def show(view: RunProgress) -> None:
        live.start()  # with the first view: what is printed before stands above it
        live.update(progress_view(view, live.console.width))

    try:
        yield show
    finally:
        live.stop()
