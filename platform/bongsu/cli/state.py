"""Options that stand before the command and hold for all of them."""

from __future__ import annotations

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


def options(context: typer.Context) -> Options:
    """The global options of this call."""
    found = context.find_root().obj
    assert isinstance(found, Options)
    return found
