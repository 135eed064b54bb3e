"""Commands over runs that change them: ``resume``, ``cancel``."""

from __future__ import annotations

import typer

from bongsu.cli.commands.shared import AsJson, RunName, platform, print_json
from bongsu.cli.state import out
from bongsu.cli.texts import _


def add_to(app: typer.Typer) -> None:
    app.command("resume", help=_("Go on with a run that was interrupted, failed or was cancelled."))(resume)
    app.command("cancel", help=_("Cancel a run, from this or another terminal."))(cancel)


def resume(context: typer.Context, run: RunName = "latest", as_json: AsJson = False) -> None:
    from bongsu.cli.commands.driving import drive_run
    from bongsu.service.resuming import resume as reopen

    with platform(context) as opened:
        opened.warm_up()
        record = reopen(opened, run)
        drive_run(opened, record.id, as_json)


def cancel(context: typer.Context, run: RunName, as_json: AsJson = False) -> None:
    from bongsu.service.cancelling import cancel as stop

    with platform(context) as opened:
        record = stop(opened, run)
    if as_json:
        print_json(record)
        return
    out().print(_("Run {run} is {state}.").format(run=record.id, state=_(record.state.value)))
