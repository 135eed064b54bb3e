"""What several commands take: options, and the platform."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bongsu.cli import completion
from bongsu.cli.failures import problem_document
from bongsu.cli.state import options
from bongsu.cli.texts import _, language
from bongsu.client.contexts import contexts_file, load_contexts
from bongsu.domain.codes import cli as codes

if TYPE_CHECKING:
    from bongsu.client.contexts import Context
    from bongsu.service.plane import Pipeline, Plane
    from bongsu.service.planes.audit import AuditPlane
    from bongsu.service.platform import Platform
    from bongsu.service.showing import RunDetails

AsJson = Annotated[bool, typer.Option("--json", help=_("Print JSON for machines."))]
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
def plane(context: typer.Context) -> Iterator[Plane]:
    """The control plane that commands speak to: the server of the context in force, else that of the home directory."""
    found = server_context(context)
    if found is None:
        from bongsu.service.here import Here

        with platform(context) as opened:
            yield Here(opened)
        return
    from bongsu.client.opening import open_remote

    name, server = found
    with open_remote(contexts_file(os.environ), name, server, language()) as remote:
        yield remote


@contextmanager
def audit_plane(context: typer.Context, ministry: str | None) -> Iterator[AuditPlane]:
    """The audit log that commands look into: a ministry's on the server of the context in force, else that of the home
    directory."""
    found = server_context(context)
    if found is None:
        from bongsu.service.planes.audit import AuditHere

        with platform(context) as opened:
            yield AuditHere(opened, ministry)
        return
    from bongsu.client.opening import open_server
    from bongsu.client.remote_audit import RemoteAudit

    name, server = found
    with open_server(contexts_file(os.environ), name, server, language()) as opened_server:
        yield RemoteAudit(opened_server, ministry or server.ministry)


def server_context(context: typer.Context) -> tuple[str, Context] | None:
    """Name and server of the context in force: ``--context``, else BONGSU_CONTEXT, else the one in use; None for this
    machine. Whoever names a home means that home."""
    asked = options(context)
    path = contexts_file(os.environ)
    if asked.context is None and (asked.names_home or not path.exists()):
        return None
    known = load_contexts(path)
    name = asked.context or known.current
    found = known.named(name)
    return (name, found) if found is not None else None


@contextmanager
def platform(context: typer.Context) -> Iterator[Platform]:
    """The platform in the home directory; what it started ends with the block."""
    from bongsu.service.embedded import open_home

    opened = open_home(options(context).home, os.environ.get("BONGSU_RAY_ADDRESS"))
    try:
        yield opened
    finally:
        opened.close()
