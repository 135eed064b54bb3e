"""Options that stand before the command and hold for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import typer

from bongsu.domain.codes import cli as codes


@dataclass(frozen=True)
class Options:
    """What the global options say.

    Attributes:
        home: where state lives; ``--home``, else BONGSU_HOME, else ``.bongsu`` in the current directory.
        debug: show tracebacks.
        names_home: whether ``--home`` was given.
        context: the control plane that ``--context`` names, else BONGSU_CONTEXT; None for the one in use.
    """

    home: Path
    debug: bool = False
    names_home: bool = False
    context: str | None = None


def home_of(given: str | None, environment: Mapping[str, str]) -> Path:
    """The directory that ``--home`` names, else BONGSU_HOME, else ``.bongsu`` in the current directory. Raises
    ``cli.folder-gone``."""
    try:
        return Path(given or environment.get("BONGSU_HOME") or ".bongsu").absolute()
    except FileNotFoundError:
        raise codes.FOLDER_GONE.error() from None


def options(context: typer.Context) -> Options:
    """The global options of this call."""
    found = context.find_root().obj
    assert isinstance(found, Options)
    return found
