"""``serve`` and ``up``: the control plane for several ministries."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bongsu.cli.printing import say
from bongsu.cli.state import options
from bongsu.cli.texts import _

PORT = 8700
HOST = "127.0.0.1"
_SHARED = "shared"

Port = Annotated[int, typer.Option(min=1, max=65535, help=_("Port to listen at."))]
Host = Annotated[str, typer.Option(help=_("Address to listen at; only this machine if not given."))]


def add_to(app: typer.Typer) -> None:
    app.command("serve", help=_("Run the control plane for several ministries."))(serve)
    app.command("up", help=_("Run all of it on this machine, with ministries to try it."))(up)


def serve(
    context: typer.Context,
    host: Host = HOST,
    port: Port = PORT,
    database: Annotated[
        str | None,
        typer.Option(
            help=_("Address of the PostgreSQL database; BONGSU_DATABASE if not given, else a file in the home.")
        ),
    ] = None,
    issuer: Annotated[
        list[str] | None, typer.Option(help=_("URL of an identity provider whose tokens are taken; repeatable."))
    ] = None,
    service_issuer: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help=_("URL below this server at which service accounts get tokens for their secrets.")
        ),
    ] = None,
    audience: Annotated[str, typer.Option(help=_("Audience that tokens have to be for."))] = "bongsu",
    site: Annotated[str, typer.Option(help=_("Name of the installation, as its records have it."))] = "bongsu",
    audit_key: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help=_("File of the keys that sign the audit logs, or env:NAME; BONGSU_AUDIT_KEY if not given."),
        ),
    ] = None,
    leads: Annotated[
        bool, typer.Option("--lead/--no-lead", help=_("Drive runs; of several that may, one does."))
    ] = True,
) -> None:
    from bongsu.api.serving import listen
    from bongsu.api.serving import serve as serve_until_ended
    from bongsu.service.serving import ServerSettings, open_served, trusted

    listening = listen(host, port)
    settings = ServerSettings(
        home=options(context).home,
        database_url=database or os.environ.get("BONGSU_DATABASE") or None,
        ray_address=os.environ.get("BONGSU_RAY_ADDRESS"),
        site=site,
        issuers=trusted(issuer or (), audience),
        service_issuer=service_issuer,
        leads=leads,
        audit_key=audit_key or os.environ.get("BONGSU_AUDIT_KEY") or "",
    )
    with open_served(settings, os.environ) as served:
        serve_until_ended(served, listening, lambda: say(_("Listening at {url}").format(url=_url(host, port))))


def up(context: typer.Context, port: Port = PORT) -> None:
    from bongsu.api.serving import listen
    from bongsu.api.serving import serve as serve_until_ended
    from bongsu.service.demonstration import seed
    from bongsu.service.serving import ServerSettings, open_served

    listening = listen(HOST, port)
    home = _shared_home(options(context).home)
    url = _url("localhost", port)
    settings = ServerSettings(
        home=home,
        ray_address=os.environ.get("BONGSU_RAY_ADDRESS"),
        site="bongsu-demonstration",
        built_in_issuer=f"{url}/issuer",
    )
    shipped = Path.cwd() / "pipelines"
    passwords = seed(settings, os.environ, shipped if shipped.is_dir() else None)

    def ready() -> None:
        say(
            _("The control plane is at {url}; Ctrl-C ends it, and what it knows stays in {home}.").format(
                url=url, home=home
            )
        )
        for login, password in passwords.items():
            say(f"  {login}  {password}")
        if passwords:
            say(_("These passwords are shown this once."))
        say(_("In another terminal: `bongsu login {url}`, then `bongsu submit FILE --watch`.").format(url=url))

    with open_served(settings, os.environ) as served:
        serve_until_ended(served, listening, ready)


def _shared_home(home: Path) -> Path:
    """What ministries share lies apart from what this machine's owner runs alone."""
    return home / _SHARED


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
