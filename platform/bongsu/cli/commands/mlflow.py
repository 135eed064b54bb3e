"""``mlflow``: look at the runs and models of this home on MLflow's own pages."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bongsu.cli.printing import say
from bongsu.cli.state import options
from bongsu.cli.texts import _

# As `bongsu.tracking.pages` has it, without importing it for a help text.
PORT = 5000


def add_to(app: typer.Typer) -> None:
    app.command("mlflow", help=_("Open MLflow's pages about runs and models, offline."))(mlflow)


def mlflow(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=1, max=65535, help=_("Port of this machine to listen at."))] = PORT,
) -> None:
    from bongsu.service.mlflow_pages import pages_address, restore_lost, serve_pages

    home = options(context).home
    restore_lost(home, _say_that_it_is_written)
    say(_("MLflow starts at {address}; Ctrl-C ends it.").format(address=pages_address(home, port)))
    sys.stdout.flush()  # this process gives way to the server
    serve_pages(home, port)


def _say_that_it_is_written() -> None:
    say(
        _("MLflow's database is missing: it is being written from the records of the runs, which may take minutes.")
    )
    sys.stdout.flush()  # whoever reads a pipe waits as well
