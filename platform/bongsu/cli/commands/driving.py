"""Driving a run from the command line: live progress, then what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.live import Live

from bongsu.cli.commands.shared import print_json
from bongsu.cli.render.outcome import outcome_view
from bongsu.cli.render.progress import ProgressLines, progress_view
from bongsu.cli.state import out
from bongsu.cli.texts import _, translate
from bongsu.domain.codes import run as codes
from bongsu.domain.problems import BongsuError
from bongsu.domain.run import RunState

if TYPE_CHECKING:
    from bongsu.domain.ids import RunId
    from bongsu.reconciler.view import RunView
    from bongsu.service.driving import Driven
    from bongsu.service.platform import Platform
    from bongsu.service.showing import RunDetails


def drive_run(platform: Platform, run_id: RunId, as_json: bool) -> None:
    """Drive the run to its end and show the outcome.

    Raises:
        BongsuError: ``run.failed`` or ``run.cancelled``, so that the exit status says it.
    """
    driven = _quietly(platform, run_id) if as_json else _watched(platform, run_id)
    finish(platform, run_id, driven, as_json)


def finish(platform: Platform, run_id: RunId, driven: Driven, as_json: bool) -> None:
    from bongsu.service.showing import show_run
    from bongsu.service.variants import variants

    details = show_run(platform, run_id)
    models = variants(platform, run_id)
    error = _error_of(details)
    if as_json:
        document = {"run": details.run, "stages": [stage.record for stage in details.stages], "variants": models}
        problems = [problem.as_dict(translate) for problem in error.problems] if error else []
        print_json({**document, "problems": problems})
    else:
        out().print(outcome_view(details, models))
        if driven.undelivered:
            waiting = _("{count} records wait for MLflow; the next run delivers them ({trouble}).")
            out().print(waiting.format(count=driven.undelivered, trouble=driven.trouble))
    if error:
        raise typer.Exit(error.exit_code) if as_json else error
    if not as_json and models:
        from bongsu.service.report.pictures import save_frontier

        path = save_frontier(platform, run_id, models)
        if path:
            typer.echo(_("Picture: {path}").format(path=path))
        typer.echo(_("Report: `bongsu report {run}` writes one page for a browser.").format(run=run_id))


def _error_of(details: RunDetails) -> BongsuError | None:
    if details.run.state is RunState.FAILED:
        return codes.FAILED.error(run=details.run.id, reason=details.reason)
    if details.run.state is RunState.CANCELLED:
        return codes.CANCELLED.error(run=details.run.id)
    return None


def _quietly(platform: Platform, run_id: RunId) -> Driven:
    from bongsu.service.driving import drive

    return drive(platform, [run_id])


def _watched(platform: Platform, run_id: RunId) -> Driven:
    """Live table on a terminal; elsewhere one line whenever a stage changes."""
    from bongsu.service.driving import drive

    console = out()
    if not console.is_terminal:
        lines = ProgressLines(lambda line: console.print(line, soft_wrap=True))
        return drive(platform, [run_id], lines.update)
    with Live(console=console, refresh_per_second=6, transient=True) as live:

        def show(view: RunView) -> None:
            live.update(progress_view(view))

        return drive(platform, [run_id], show)
