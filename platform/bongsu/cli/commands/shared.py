"""What several commands take: options, and the platform."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bongsu.cli import completion
from bongsu.cli.failures import problem_document
from bongsu.cli.state import options
from bongsu.cli.texts import _
from bongsu.domain.codes import cli as codes

if TYPE_CHECKING:
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


@contextmanager
def platform(context: typer.Context) -> Iterator[Platform]:
    """The platform in the home directory; what it started ends with the block."""
    import os

    from bongsu.service.embedded import open_home

    opened = open_home(options(context).home, os.environ.get("BONGSU_RAY_ADDRESS"))
    try:
        yield opened
    finally:
        opened.close()
