"""``serve`` and ``up``: the control plane for several ministries."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bongsu.cli.commands.naming_grades import RestrictedAs, stated_grades
from bongsu.cli.commands.serve_options import (
    Audience,
    AuditKey,
    BrowserClient,
    DatabaseAddress,
    Drain,
    EnvironmentDays,
    Format,
    Grades,
    Host,
    Issuers,
    Leads,
    LogDays,
    MetricsAddress,
    MinistryClaim,
    MlflowDatabaseAddress,
    OtlpEndpoint,
    Port,
    PublicUrl,
    Rate,
    ServiceIssuer,
    Site,
    WorkerUrl,
)
from bongsu.cli.commands.shared import only_here
from bongsu.cli.printing import say
from bongsu.cli.state import options
from bongsu.cli.texts import _, language, said
from bongsu.domain.server_defaults import AUDIENCE, BROWSER_CLIENT, ENVIRONMENT_DAYS, LOG_DAYS, REQUESTS_A_MINUTE
from bongsu.service.observing.log_format import LogFormat

if TYPE_CHECKING:
    from bongsu.service.browsers.settings import BrowserSettings
    from bongsu.service.demonstration import LeftOut, Seeded
    from bongsu.service.observing.telemetry import TelemetrySettings

PORT = 8700
HOST = "127.0.0.1"
CONSOLE = "http://localhost:8501"
_SHARED = "shared"


def add_to(app: typer.Typer) -> None:
    app.command("serve", help=_("Run the control plane for several ministries."))(serve)
    app.command("up", help=_("Run all of it on this machine, with ministries to try it."))(up)


def serve(
    context: typer.Context,
    host: Host = HOST,
    port: Port = PORT,
    database: DatabaseAddress = None,
    mlflow_database: MlflowDatabaseAddress = None,
    issuer: Issuers = None,
    ministry_claim: MinistryClaim = "",
    service_issuer: ServiceIssuer = None,
    audience: Audience = AUDIENCE,
    site: Site = "bongsu",
    audit_key: AuditKey = "",
    leads: Leads = True,
    metrics_address: MetricsAddress = None,
    otlp_endpoint: OtlpEndpoint = None,
    log_format: Format = LogFormat.TEXT,
    rate: Rate = REQUESTS_A_MINUTE,
    drain: Drain = 0.0,
    keep_logs: LogDays = LOG_DAYS,
    keep_environments: EnvironmentDays = ENVIRONMENT_DAYS,
    worker_url: WorkerUrl = None,
    grades: Grades = None,
    restricted_as: RestrictedAs = None,
    public_url: PublicUrl = None,
    browser_client: BrowserClient = BROWSER_CLIENT,
) -> None:
    from bongsu.api.serving import listen
    from bongsu.api.serving import serve as serve_until_ended
    from bongsu.service.retention import Kept
    from bongsu.service.serving import ServerSettings, open_served, trusted

    only_here(context, "serve")
    telemetry, browsers = _telemetry(metrics_address, otlp_endpoint), _browsers(public_url, browser_client)
    _log_to_standard_error(log_format, logging.INFO, database, mlflow_database)
    listening = listen(host, port)
    settings = ServerSettings(
        home=options(context).home,
        database_url=database or None,
        ray_address=os.environ.get("BONGSU_RAY_ADDRESS"),
        site=site,
        issuers=trusted(issuer or (), audience, ministry_claim),
        service_issuer=service_issuer,
        leads=leads,
        mlflow_database_url=mlflow_database or None,
        audit_key=audit_key,
        requests_a_minute=rate,
        drain_s=drain,
        kept=Kept(keep_logs, keep_environments),
        telemetry=telemetry,
        worker_url=worker_url or _url(_reached_here(host), port),
        grades=stated_grades(grades, restricted_as),
        browsers=browsers,
        language=language(),
    )
    with open_served(settings, os.environ) as served:
        serve_until_ended(served, listening, lambda: _say_where(log_format, _url(host, port)))


def _say_where(log_format: LogFormat, url: str) -> None:
    """That it answers, and where. Who reads the log as JSON is told nothing in another form."""
    if log_format is LogFormat.JSON:
        logging.getLogger("bongsu.serve").info("Listening.", extra={"facts": {"url": url}})
    else:
        say(_("Listening at {url}").format(url=url))


def _telemetry(metrics_address: str | None, otlp_endpoint: str | None) -> TelemetrySettings:
    from bongsu.service.observing.telemetry import TelemetrySettings, address_of

    host, port = address_of(metrics_address) if metrics_address else (None, 0)
    return TelemetrySettings(host, port, otlp_endpoint or None)


def _browsers(public_url: str | None, client: str) -> BrowserSettings | None:
    """Of a server that is opened with browsers: its secret is an environment's alone, where no process list has it."""
    from bongsu.service.browsers.settings import BrowserSettings

    secret = os.environ.get("BONGSU_BROWSER_SECRET", "")
    return BrowserSettings(public_url.rstrip("/"), client, secret) if public_url else None


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
