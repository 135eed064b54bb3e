"""Everything that the command line prints, in a form that a terminal only shows.

Text of users, files and workers may hold escape sequences that move the cursor, repaint what stands above, or turn
the direction of writing. They are written out (``\\x1b``) whether or not standard output is a terminal, because what
goes through a pipe is seen on one as well. Colours are Bongsu's own, and only on a terminal without NO_COLOR.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ParamSpec

import typer

from bongsu.domain.documents import plain
from bongsu.domain.unseen import escaped, escaped_json
from bongsu.language.particles import settle_particles

if TYPE_CHECKING:
    from rich.console import Console

P = ParamSpec("P")

_COLOUR = re.compile("(\x1b\\[[0-9;:]*m)")
_LINE_END = re.compile("\r\n|\r|\n")


def say(text: str, *, error: bool = False, end: str = "\n", exact: bool = False) -> None:
    """Print plain text on standard output, or on standard error; ``exact`` if it is no sentence of ours but what
    somebody wrote, or what is compared with something."""
    typer.echo(escaped(text if exact else settle_particles(text)) + end, nl=False, err=error)


def discard_output(*, error: bool = False) -> None:
    """Print into nowhere from now on: who read standard output, or standard error, has left."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), (sys.stderr if error else sys.stdout).fileno())


def unheard(tell: Callable[P, None]) -> Callable[P, None]:
    """``tell``, for work that goes on whether or not anybody listens (``bongsu run ... | head``)."""

    def told(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            tell(*args, **kwargs)
        except BrokenPipeError:
            discard_output()

    return told


def say_json(value: Any) -> None:
    """Print one JSON document, as :func:`bongsu.domain.documents.plain` makes it."""
    text = json.dumps(plain(value), ensure_ascii=False, indent=2, allow_nan=False)
    typer.echo(escaped_json(text))


def out(*, error: bool = False, markup: bool = False) -> Console:
    """A console for tables and styled text. Rich drops colour and animation when it is not on a terminal.

    Args:
        error: on standard error instead of standard output.
        markup: brackets are Rich's markup; without it text is text: what a worker reports may hold brackets.
    """
    from bongsu.cli.console import EscapingConsole

    return EscapingConsole(stderr=error, markup=markup, highlight=False, emoji=False)


def log_lines(line: str, *, colours: bool) -> Iterator[str]:
    """A line of a worker's log as it is shown.

    Tabs stay. A carriage return begins a new line, so that nothing is written over. Colours (SGR sequences) pass to
    a terminal, which is reset behind them, and are left out elsewhere; every other control is written out.
    """
    for part in _LINE_END.split(line):
        pieces = _COLOUR.split(part)
        pieces[::2] = map(escaped, pieces[::2])
        if colours and len(pieces) > 1:
            yield "".join(pieces) + "\x1b[0m"
        else:
            yield "".join(pieces[::2])
