"""Commands over runs that change them: ``resume``, ``cancel``."""

from __future__ import annotations

import typer

from bongsu.cli.commands.shared import AsJson, RunName, plane, problem_documents
from bongsu.cli.printing import out, say_json, unheard
from bongsu.cli.texts import _


def add_to(app: typer.Typer) -> None:
    app.command("resume", help=_("Go on with a run that was interrupted, failed or was cancelled."))(resume)
    app.command("cancel", help=_("Cancel a run, from this or another terminal."))(cancel)


def resume(context: typer.Context, run: RunName = "latest", as_json: AsJson = False) -> None:
    from bongsu.cli.commands.driving import show_driving, tell_begin

    with plane(context) as opened:
        begun = None if as_json else unheard(tell_begin)
        show_driving(opened, lambda update: opened.resume(run, begun, update), as_json)


def cancel(context: typer.Context, run: RunName = "latest", as_json: AsJson = False) -> None:
    with plane(context) as opened:
        record = opened.cancel(run)
        if as_json:
            from bongsu.service.documents import run_document

            details = opened.show(record.id)
            found = opened.variants(record.id)
            say_json(run_document(details, found, problems=problem_documents(details)))
            return
    out().print(_("Run {run} is {state}.").format(run=record.id, state=_(record.state.value)))
