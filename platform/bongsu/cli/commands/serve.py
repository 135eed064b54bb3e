"""``serve`` and ``up``: the control plane for several ministries."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bongsu.cli.commands.naming_grades import RestrictedAs, stated_grades
from bongsu.cli.commands.shared import only_here
from bongsu.cli.printing import say
from bongsu.cli.state import options
from bongsu.cli.texts import _, language, said
from bongsu.domain.grades import SchemeName
from bongsu.domain.server_defaults import AUDIENCE, BROWSER_CLIENT, REQUESTS_A_MINUTE
from bongsu.service.observing.log_format import LogFormat

if TYPE_CHECKING:
    from bongsu.service.demonstration import LeftOut, Seeded

PORT = 8700
HOST = "127.0.0.1"
CONSOLE = "http://localhost:8501"
_SHARED = "shared"

# Not BONGSU_PORT, which Kubernetes sets to something else beside a service that is called bongsu.
Port = Annotated[int, typer.Option(min=1, max=65535, envvar="BONGSU_LISTEN_PORT", help=_("Port to listen at."))]
Host = Annotated[
    str, typer.Option(envvar="BONGSU_LISTEN_HOST", help=_("Address to listen at; only this machine if not given."))
]


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
            envvar="BONGSU_DATABASE", help=_("Address of the PostgreSQL database; a file in the home if not given.")
        ),
    ] = None,
    mlflow_database: Annotated[
        str | None,
        typer.Option(
            envvar="BONGSU_MLFLOW_DATABASE",
            help=_(
                "Address of MLflow's own PostgreSQL database, needed beside --database; else a file in the home."
            ),
        ),
    ] = None,
    issuer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[MINISTRY,...=]URL",
            envvar="BONGSU_ISSUER",
            help=_("Identity provider whose tokens are taken, and the ministries that it serves; repeatable."),
        ),
    ] = None,
    ministry_claim: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            envvar="BONGSU_MINISTRY_CLAIM",
            help=_("Claim that names the ministry in tokens of a provider that does not serve exactly one."),
        ),
    ] = "",
    service_issuer: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="BONGSU_SERVICE_ISSUER",
            help=_("URL below this server at which service accounts get tokens for their secrets."),
        ),
    ] = None,
    audience: Annotated[
        str, typer.Option(envvar="BONGSU_AUDIENCE", help=_("Audience that tokens have to be for."))
    ] = AUDIENCE,
    site: Annotated[
        str, typer.Option(envvar="BONGSU_SITE", help=_("Name of the installation, as its records have it."))
    ] = "bongsu",
    audit_key: Annotated[
        str,
        typer.Option(
            metavar="SOURCE",
            envvar="BONGSU_AUDIT_KEY",
            help=_("File of the keys that sign the audit logs, or env:NAME; a file in the home if not given."),
        ),
    ] = "",
    leads: Annotated[
        bool,
        typer.Option(
            "--lead/--no-lead", envvar="BONGSU_LEAD", help=_("Drive runs; of several that may, one does.")
        ),
    ] = True,
    metrics_address: Annotated[
        str | None,
        typer.Option(
            envvar="BONGSU_METRICS_ADDRESS",
            help=_("Host and port at which metrics are served; nowhere if not given."),
        ),
    ] = None,
    otlp_endpoint: Annotated[
        str | None,
        typer.Option(
            envvar="OTEL_EXPORTER_OTLP_ENDPOINT",
            help=_("URL of the collector that takes traces; none if not given."),
        ),
    ] = None,
    log_format: Annotated[
        LogFormat, typer.Option(envvar="BONGSU_LOG_FORMAT", help=_("How lines of the log look."))
    ] = LogFormat.TEXT,
    rate: Annotated[
        int,
        typer.Option(
            min=1, envvar="BONGSU_RATE", help=_("Requests a minute that each actor, and each address, may make.")
        ),
    ] = REQUESTS_A_MINUTE,
    drain: Annotated[
        float,
        typer.Option(
            min=0,
            max=300,
            envvar="BONGSU_DRAIN",
            help=_("Seconds for which connections are taken after the server was asked to end."),
        ),
    ] = 0.0,
    worker_url: Annotated[
        str | None,
        typer.Option(
            envvar="BONGSU_WORKER_URL",
            help=_("Address at which workers reach this server; that of this machine if they run on no other."),
        ),
    ] = None,
    grades: Annotated[
        SchemeName | None,
        typer.Option(
            envvar="BONGSU_GRADES",
            help=_("Which grades the site has; as the database holds it if not given, n2sf the first time."),
        ),
    ] = None,
    restricted_as: RestrictedAs = None,
    public_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="BONGSU_PUBLIC_URL",
            help=_("Address at which people open this server with a browser, to sign in to MLflow's pages."),
        ),
    ] = None,
    browser_client: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            envvar="BONGSU_BROWSER_CLIENT",
            help=_("What this server is called at the identity provider where browsers sign in."),
        ),
    ] = BROWSER_CLIENT,
) -> None:
    from bongsu.api.serving import listen
    from bongsu.api.serving import serve as serve_until_ended
    from bongsu.service.browsers.settings import BrowserSettings
    from bongsu.service.observing.telemetry import TelemetrySettings, address_of
    from bongsu.service.serving import ServerSettings, open_served, trusted

    only_here(context, "serve")
    metrics_host, metrics_port = address_of(metrics_address) if metrics_address else (None, 0)
    database = database or None
    secret = os.environ.get("BONGSU_BROWSER_SECRET", "")
    browsers = BrowserSettings(public_url.rstrip("/"), browser_client, secret) if public_url else None
    _log_to_standard_error(log_format, logging.INFO, database, mlflow_database)
    listening = listen(host, port)
    settings = ServerSettings(
        home=options(context).home,
        database_url=database,
        ray_address=os.environ.get("BONGSU_RAY_ADDRESS"),
        site=site,
        issuers=trusted(issuer or (), audience, ministry_claim),
        service_issuer=service_issuer,
        leads=leads,
        mlflow_database_url=mlflow_database or None,
        audit_key=audit_key,
        requests_a_minute=rate,
        drain_s=drain,
        telemetry=TelemetrySettings(metrics_host, metrics_port, otlp_endpoint or None),
        worker_url=worker_url or _url(_reached_here(host), port),
        grades=stated_grades(grades, restricted_as),
        browsers=browsers,
        language=language(),
    )
    with open_served(settings, os.environ) as served:
        serve_until_ended(served, listening, lambda: say(_("Listening at {url}").format(url=_url(host, port))))


def up(
    context: typer.Context,
    port: Port = PORT,
    console: Annotated[
        str,
        typer.Option(
            metavar="URL", envvar="BONGSU_CONSOLE_URL", help=_("Where the console is that people sign in to here.")
        ),
    ] = CONSOLE,
) -> None:
    from bongsu.api.serving import listen
    from bongsu.api.serving import serve as serve_until_ended
    from bongsu.service.browsers.settings import BrowserSettings
    from bongsu.service.demonstration import seed
    from bongsu.service.serving import ServerSettings, open_served

    only_here(context, "up")
    _log_to_standard_error(LogFormat.TEXT, logging.WARNING)
    listening = listen(HOST, port)
    home = shared_home(options(context).home)
    url = _url("localhost", port)
    settings = ServerSettings(
        home=home,
        ray_address=os.environ.get("BONGSU_RAY_ADDRESS"),
        site="bongsu-demonstration",
        built_in_issuer=f"{url}/issuer",
        console_url=console,
        worker_url=_url(HOST, port),
        browsers=BrowserSettings(url),
        language=language(),
    )
    shipped = Path.cwd() / "pipelines"
    seeded = seed(settings, os.environ, shipped if shipped.is_dir() else None)
    with open_served(settings, os.environ) as served:
        serve_until_ended(served, listening, lambda: _say_what_to_open(url, home, seeded))


def _say_what_to_open(url: str, home: Path, seeded: Seeded) -> None:
    words = _("The control plane is at {url}; Ctrl-C ends it, and what it knows stays in {home}.")
    say(words.format(url=url, home=home))
    for login, password in seeded.passwords.items():
        say(f"  {login}  {password}")
    if seeded.passwords:
        say(_("These passwords are shown this once."))
    say(_("In another terminal: `bongsu login {url}`, then `bongsu submit FILE --watch`.").format(url=url))
    for one in seeded.left_out:
        say_left_out(one)
    told = _("MLflow's pages: open {url}/mlflow/ and sign in. `bongsu mlflow` says how programs use it.")
    say(told.format(url=url))


def say_left_out(one: LeftOut) -> None:
    """A run that reads it would be refused, and nobody would know why."""
    words = _("The data set {name} is not registered: {reason}")
    if one.is_shipped:
        words = _("The data set {name} is not registered: {reason} `bongsu up` in the repository's folder does it.")
    say(words.format(name=one.name, reason=said(one.reason)))


def _log_to_standard_error(style: LogFormat, level: int, *addresses: str | None) -> None:
    from bongsu.service.observing.log_lines import configure_logs
    from bongsu.service.observing.scrubbing import Scrubber, known_secrets

    configure_logs(style, Scrubber(known_secrets(os.environ, addresses)), level)


def shared_home(home: Path) -> Path:
    """What ministries share lies apart from what this machine's owner runs alone."""
    return home / _SHARED


def site_home(home: Path) -> Path:
    """Where the store of the site lies: what ministries share, once `bongsu up` has made it here."""
    from bongsu.service.home import DATABASE

    shared = shared_home(home)
    return shared if (shared / DATABASE).exists() else home


def _reached_here(host: str) -> str:
    """An address of this machine, for who listens at all of them."""
    return {"0.0.0.0": HOST, "": HOST, "::": "::1"}.get(host, host)


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
