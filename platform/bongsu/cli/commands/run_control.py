"""Commands over runs that change them: ``resume``, ``cancel``."""

from __future__ import annotations

import typer

from bongsu.cli.commands.shared import AsJson, RunName, platform, problem_documents
from bongsu.cli.printing import out, say_json, unheard
from bongsu.cli.texts import _


def add_to(app: typer.Typer) -> None:
    app.command("resume", help=_("Go on with a run that was interrupted, failed or was cancelled."))(resume)
    app.command("cancel", help=_("Cancel a run, from this or another terminal."))(cancel)


def resume(context: typer.Context, run: RunName = "latest", as_json: AsJson = False) -> None:
    from bongsu.cli.commands.driving import show_driving, tell_begin
    from bongsu.service.running import resume_run

    with platform(context) as opened:
        begun = None if as_json else unheard(tell_begin)
        show_driving(opened, lambda update: resume_run(opened, run, begun, update), as_json)


def cancel(context: typer.Context, run: RunName = "latest", as_json: AsJson = False) -> None:
    from bongsu.service.cancelling import cancel as stop
    from bongsu.service.documents import run_document
    from bongsu.service.showing import show_run
    from bongsu.service.variants import variants

    with platform(context) as opened:
        record = stop(opened, run)
        if as_json:
            details = show_run(opened, record.id)
            say_json(run_document(details, variants(opened, record.id), problems=problem_documents(details)))
            return
    out().print(_("Run {run} is {state}.").format(run=record.id, state=_(record.state.value)))
