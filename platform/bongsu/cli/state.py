"""Options that stand before the command and hold for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import typer


@dataclass(frozen=True)
class Options:
    """What the global options say.

    Attributes:
        home: where state lives; ``--home``, else BONGSU_HOME, else ``.bongsu`` in the current directory.
        debug: show tracebacks.
    """

    home: Path
    debug: bool = False


def home_of(given: str | None, environment: Mapping[str, str]) -> Path:
    """The directory that ``--home`` names, else BONGSU_HOME, else ``.bongsu`` in the current directory."""
    return Path(given or environment.get("BONGSU_HOME") or ".bongsu").absolute()


def options(context: typer.Context) -> Options:
    """The global options of this call."""
    found = context.find_root().obj
    assert isinstance(found, Options)
    return found
