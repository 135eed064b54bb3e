"""What several commands take: options, and the platform."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from bongsu.cli import completion
from bongsu.cli.choosing import server_chosen
from bongsu.cli.failures import problem_document
from bongsu.cli.state import options
from bongsu.cli.texts import _, language
from bongsu.client.contexts import SECRET_VARIABLE, contexts_file
from bongsu.domain.codes import cli as codes
from bongsu.domain.codes import people as people_codes

if TYPE_CHECKING:
    from bongsu.client.contexts import Context
    from bongsu.client.http import Server
    from bongsu.service.plane import Pipeline, Plane
    from bongsu.service.planes.audit import AuditPlane
    from bongsu.service.planes.grants import GrantsPlane
    from bongsu.service.planes.people import PeoplePlane
    from bongsu.service.platform import Platform
    from bongsu.service.showing import RunDetails

T = TypeVar("T")
AsJson = Annotated[bool, typer.Option("--json", help=_("Print JSON for machines."))]
Ministry = Annotated[str | None, typer.Option(help=_("The ministry you act for; yours, if you are in one alone."))]
RunName = Annotated[
    str,
    typer.Argument(help=_("A run's id, a unique beginning of it, or `latest`."), autocompletion=completion.runs),
]
SetValues = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help=_("Change a parameter of the pipeline; repeatable.")),
]


def overrides(values: Sequence[str] | None) -> dict[str, str]:
    """``["steps=3"]`` to a dict. Raises ``cli.bad-set``."""
    found: dict[str, str] = {}
    problems = []
    for value in values or ():
        name, equals, text = value.partition("=")
        if not equals or not name.strip():
            problems.append(codes.BAD_SET.at(value=value))
        found[name.strip()] = text
    if problems:
        from bongsu.domain.problems import BongsuError

        raise BongsuError(problems)
    return found


def problem_documents(details: RunDetails) -> list[dict[str, Any]]:
    """Why a run did not succeed, as JSON has it in the reader's language."""
    return [problem_document(details.problem)] if details.problem else []


def pipeline_of(file: Path, set_: Sequence[str] | None) -> Pipeline:
    """A file with what ``--set`` says. Raises ``cli.bad-set``."""
    from bongsu.service.plane import Pipeline

    return Pipeline(file, overrides(set_))


@contextmanager
def plane(context: typer.Context, ministry: str | None = None) -> Iterator[Plane]:
    """The control plane that commands speak to: the server of the context in force, else that of the home directory.

    Args:
        context: of the command.
        ministry: that ``--ministry`` names; raises ``cli.no-ministries`` in a home.
    """

    def here(opened: Platform) -> Plane:
        from bongsu.service.here import Here

        if ministry is not None:
            raise codes.NO_MINISTRIES.error()
        return Here(opened)

    def there(server: Server, usual: str | None) -> Plane:
        from bongsu.client.remote import Remote

        return Remote(server, ministry or usual)

    with either(context, here, there) as found:
        yield found


@contextmanager
def audit_plane(context: typer.Context, ministry: str | None) -> Iterator[AuditPlane]:
    """The audit log that commands look into: a ministry's on the server of the context in force, else that of the home
    directory."""

    def here(opened: Platform) -> AuditPlane:
        from bongsu.service.planes.audit import AuditHere

        return AuditHere(opened, ministry)

    def there(server: Server, usual: str | None) -> AuditPlane:
        from bongsu.client.remote_audit import RemoteAudit

        return RemoteAudit(server, ministry or usual)

    with either(context, here, there) as found:
        yield found


@contextmanager
def grants_plane(context: typer.Context) -> Iterator[GrantsPlane]:
    """The grants that commands speak of, there or here as of :func:`plane`."""

    def here(opened: Platform) -> GrantsPlane:
        from bongsu.service.planes.grants import GrantsHere

        return GrantsHere(opened)

    def there(server: Server, _ministry: str | None) -> GrantsPlane:
        from bongsu.client.remote_grants import RemoteGrants

        return RemoteGrants(server)

    with either(context, here, there) as found:
        yield found


@contextmanager
def people_plane(context: typer.Context) -> Iterator[PeoplePlane]:
    """Ministries and people of the server of the context in force. Raises ``people.no-server`` if there is none."""
    with server_asked(context) as found:
        if found is None:
            raise people_codes.NO_SERVER.error(home=options(context).home)
        from bongsu.client.remote_people import RemotePeople

        yield RemotePeople(*found)


@contextmanager
def either(
    context: typer.Context, here: Callable[[Platform], T], there: Callable[[Server, str | None], T]
) -> Iterator[T]:
    """What commands speak to.

    Args:
        context: of the command.
        here: makes it of the platform in the home directory.
        there: makes it of the server of the context in force, and of the ministry in which commands act there; taken if
            there is such a context.
    """
    with server_asked(context) as found:
        if found is not None:
            yield there(*found)
            return
    with platform(context) as opened:
        yield here(opened)


@contextmanager
def server_asked(context: typer.Context) -> Iterator[tuple[Server, str | None] | None]:
    """The server of the context in force, and the ministry in which commands act there; None for this machine."""
    found = server_context(context)
    if found is None:
        yield None
        return
    from bongsu.client.opening import open_server

    name, known = found
    with open_server(contexts_file(os.environ), name, known, language(), service_secret()) as server:
        yield server, known.ministry


def service_secret() -> str:
    """Of the service account in whose name commands ask a server; empty for people."""
    return os.environ.get(SECRET_VARIABLE, "")


def server_context(context: typer.Context) -> tuple[str, Context] | None:
    """See :func:`bongsu.cli.choosing.server_chosen`."""
    return server_chosen(options(context))


def only_here(context: typer.Context, command: str) -> None:
    """For a command that means nothing at a server. Raises ``cli.only-here`` if one was named for this command."""
    if options(context).context is not None and (found := server_context(context)) is not None:
        raise codes.ONLY_HERE.error(command=f"bongsu {command}", context=found[0], url=found[1].url)


@contextmanager
def platform(context: typer.Context) -> Iterator[Platform]:
    """The platform in the home directory; what it started ends with the block."""
    from bongsu.service.embedded import open_home

    opened = open_home(options(context).home, os.environ, os.environ.get("BONGSU_RAY_ADDRESS"))
    try:
        yield opened
    finally:
        opened.close()
