"""What ``serve`` is told, by options or by the environment."""

from __future__ import annotations

from typing import Annotated

import typer

from bongsu.cli.texts import _
from bongsu.domain.grades import SchemeName
from bongsu.service.observing.log_format import LogFormat

# Not BONGSU_PORT, which Kubernetes sets to something else beside a service that is called bongsu.
Port = Annotated[int, typer.Option(min=1, max=65535, envvar="BONGSU_LISTEN_PORT", help=_("Port to listen at."))]
Host = Annotated[
    str, typer.Option(envvar="BONGSU_LISTEN_HOST", help=_("Address to listen at; only this machine if not given."))
]
DatabaseAddress = Annotated[
    str | None,
    typer.Option(
        envvar="BONGSU_DATABASE", help=_("Address of the PostgreSQL database; a file in the home if not given.")
    ),
]
MlflowDatabaseAddress = Annotated[
    str | None,
    typer.Option(
        envvar="BONGSU_MLFLOW_DATABASE",
        help=_("Address of MLflow's own PostgreSQL database, needed beside --database; else a file in the home."),
    ),
]
Issuers = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[MINISTRY,...=]URL",
        envvar="BONGSU_ISSUER",
        help=_("Identity provider whose tokens are taken, and the ministries that it serves; repeatable."),
    ),
]
MinistryClaim = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        envvar="BONGSU_MINISTRY_CLAIM",
        help=_("Claim that names the ministry in tokens of a provider that does not serve exactly one."),
    ),
]
ServiceIssuer = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        envvar="BONGSU_SERVICE_ISSUER",
        help=_("URL below this server at which service accounts get tokens for their secrets."),
    ),
]
Audience = Annotated[str, typer.Option(envvar="BONGSU_AUDIENCE", help=_("Audience that tokens have to be for."))]
Site = Annotated[
    str, typer.Option(envvar="BONGSU_SITE", help=_("Name of the installation, as its records have it."))
]
AuditKey = Annotated[
    str,
    typer.Option(
        metavar="SOURCE",
        envvar="BONGSU_AUDIT_KEY",
        help=_("File of the keys that sign the audit logs, or env:NAME; a file in the home if not given."),
    ),
]
Leads = Annotated[
    bool,
    typer.Option("--lead/--no-lead", envvar="BONGSU_LEAD", help=_("Drive runs; of several that may, one does.")),
]
MetricsAddress = Annotated[
    str | None,
    typer.Option(
        envvar="BONGSU_METRICS_ADDRESS",
        help=_("Host and port at which metrics are served; nowhere if not given."),
    ),
]
OtlpEndpoint = Annotated[
    str | None,
    typer.Option(
        envvar="OTEL_EXPORTER_OTLP_ENDPOINT",
        help=_("URL of the collector that takes traces; none if not given."),
    ),
]
Format = Annotated[LogFormat, typer.Option(envvar="BONGSU_LOG_FORMAT", help=_("How lines of the log look."))]
Rate = Annotated[
    int,
    typer.Option(
        min=1, envvar="BONGSU_RATE", help=_("Requests a minute that each actor, and each address, may make.")
    ),
]
Drain = Annotated[
    float,
    typer.Option(
        min=0,
        max=300,
        envvar="BONGSU_DRAIN",
        help=_("Seconds for which connections are taken after the server was asked to end."),
    ),
]
LogDays = Annotated[
    int,
    typer.Option(
        min=1,
        metavar="DAYS",
        envvar="BONGSU_KEEP_LOGS",
        help=_("Days for which what an attempt wrote is kept after its end."),
    ),
]
EnvironmentDays = Annotated[
    int,
    typer.Option(
        min=1,
        metavar="DAYS",
        envvar="BONGSU_KEEP_ENVIRONMENTS",
        help=_("Days for which an environment made from requirements is kept after its last use."),
    ),
]
WorkerUrl = Annotated[
    str | None,
    typer.Option(
        envvar="BONGSU_WORKER_URL",
        help=_("Address at which workers reach this server; that of this machine if they run on no other."),
    ),
]
Grades = Annotated[
    SchemeName | None,
    typer.Option(
        envvar="BONGSU_GRADES",
        help=_("Which grades the site has; as the database holds it if not given, n2sf the first time."),
    ),
]
PublicUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        envvar="BONGSU_PUBLIC_URL",
        help=_("Address at which people open this server with a browser, to sign in to MLflow's pages."),
    ),
]
BrowserClient = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        envvar="BONGSU_BROWSER_CLIENT",
        help=_("What this server is called at the identity provider where browsers sign in."),
    ),
]
