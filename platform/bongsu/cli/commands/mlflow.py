"""``mlflow``: the runs and models of this home on MLflow's own pages; at a server, how its clients reach them."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from bongsu.cli.commands.shared import AsJson, server_context
from bongsu.cli.printing import say, say_json
from bongsu.cli.state import options
from bongsu.cli.texts import _
from bongsu.domain.problems import BongsuError

if TYPE_CHECKING:
    from bongsu.client.contexts import Context

# As `bongsu.tracking.pages` has it, without importing it for a help text.
PORT = 5000


def add_to(app: typer.Typer) -> None:
    app.command(
        "mlflow", help=_("Open MLflow's pages about runs and models; at a server, tell how to use MLflow there.")
    )(mlflow)


def mlflow(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=1, max=65535, help=_("Port of this machine to listen at."))] = PORT,
    as_json: AsJson = False,
) -> None:
    found = server_context(context)
    if found is not None:
        (_print_how if as_json else _tell_how)(*found)
        return
    from bongsu.service.mlflow_pages import new_pages, restore_lost, serve_pages

    home = options(context).home
    restore_lost(home, os.environ, _nobody_waits if as_json else _say_that_it_is_written)
    opened = new_pages(home, port)
    if as_json:
        variables = {"MLFLOW_TRACKING_URI": opened.address, "MLFLOW_TRACKING_TOKEN": opened.key}
        say_json({"context": None, "pages": opened.first, "variables": variables})
    else:
        say(_("MLflow starts at {address}; Ctrl-C ends it.").format(address=opened.first))
        say(_("The key in this address is for you alone. Opened once, it lets links of Bongsu into this browser."))
        say(_("Programs with MLflow's own client:"))
        say(f"  export MLFLOW_TRACKING_URI={opened.address}")
        say(f'  export MLFLOW_TRACKING_TOKEN="$(cat {shlex.quote(str(opened.key_file))})"')
    sys.stdout.flush()  # this process gives way to the server
    serve_pages(home, os.environ, port, opened.key)


def _print_how(name: str, server: Context) -> None:
    say_json({"context": name, "pages": _pages(server) or None, "variables": _variables(name, server)})


def _variables(name: str, server: Context) -> dict[str, str]:
    """What a program's environment has to have for MLflow's own client."""
    from bongsu.client.contexts import VARIABLE
    from bongsu.client.mlflow_sign_in import NAME

    found = {"MLFLOW_TRACKING_URI": f"{server.url}/mlflow", "MLFLOW_TRACKING_AUTH": NAME, VARIABLE: name}
    return found | ({"MLFLOW_WORKSPACE": server.ministry} if server.ministry else {})


def _tell_how(name: str, server: Context) -> None:
    """At a server MLflow runs already, and its own clients use it."""
    address = f"{server.url}/mlflow"
    words = _("MLflow of {name} is at {address}/. Its own clients find there what you may see:")
    say(words.format(name=name, address=address))
    for variable, value in _variables(name, server).items():
        say(f"  export {variable}={shlex.quote(value)}")
    say(
        _(
            "Each request is signed in as this command is, and the sign-in renewed for as long as a training takes,"
            " where the package bongsu is installed beside mlflow. Where it is not, set in place of"
            " MLFLOW_TRACKING_AUTH"
        )
    )
    say(f'  export MLFLOW_TRACKING_TOKEN="$(bongsu --context {shlex.quote(name)} token)"')
    say(_("A token lasts for minutes: set it anew when it is not taken any more."))
    say(
        _(
            'A run belongs to an experiment, and there is no default one: begin with mlflow.set_experiment("NAME"), or'
            " set MLFLOW_EXPERIMENT_NAME."
        )
    )
    pages = _pages(server)
    if pages:
        say(_("In a browser: open {pages} and sign in.").format(pages=pages))
        return
    say(
        _(
            "A browser sees the pages, and data where the server was told with --public-url how people reach it, or a"
            " proxy before it adds the token to its requests."
        )
    )


def _pages(server: Context) -> str:
    """As the server says; nothing if it cannot be asked at the moment."""
    from bongsu.client.login import pages_of

    try:
        return pages_of(server.url)
    except BongsuError:
        return ""


def _nobody_waits() -> None:
    """Whoever reads JSON is told nothing beside it."""


def _say_that_it_is_written() -> None:
    say(
        _("MLflow's database is missing: it is being written from the records of the runs, which may take minutes.")
    )
    sys.stdout.flush()  # whoever reads a pipe waits as well
