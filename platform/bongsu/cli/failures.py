"""How the command line fails: every problem with its place, its cure and its code; a traceback on request."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from bongsu.cli.texts import _, translate
from bongsu.domain.problems import BongsuError, Problem

if TYPE_CHECKING:
    from rich.console import Console

EXIT_CODES = {
    0: "success",
    1: "an unexpected fault of Bongsu",
    2: "the input is wrong",
    3: "what was asked for does not exist",
    4: "refused by policy",
    5: "the run failed",
    6: "the run was cancelled",
    7: "the environment lacks something",
    8: "stored data is damaged",
    130: "interrupted",
}


def report(error: BongsuError, as_json: bool) -> int:
    """Print every problem and return the exit status. JSON goes to standard output, prose to standard error."""
    if as_json:
        json.dump({"problems": [p.as_dict(translate) for p in error.problems]}, sys.stdout, ensure_ascii=False)
        sys.stdout.write("\n")
        return error.exit_code
    console = _console()
    print_problems(console, error.problems)
    return error.exit_code


def print_problems(console: Console, problems: Iterable[Problem]) -> None:
    """One paragraph a problem: place, what, how to mend it, code."""
    from rich.markup import escape

    count = 0
    for problem in problems:
        count += 1
        where = f"{problem.location}: " if problem.location else ""
        path = f"[bold]{escape(problem.field_path)}[/bold]: " if problem.field_path else ""
        console.print(
            f"{escape(where)}[red]{_('error')}[/red]: {path}{escape(problem.what(translate))}", soft_wrap=True
        )
        console.print(
            f"    [green]→[/green] {escape(problem.fix(translate))} [dim]\\[{problem.code.name}][/dim]",
            soft_wrap=True,
        )
    if count > 1:
        console.print(_("{count} problems.").format(count=count))


def report_unexpected(error: BaseException, debug: bool) -> int:
    """A fault of ours: one sentence, and the traceback only with ``--debug``."""
    from rich.markup import escape

    console = _console()
    if debug:
        console.print_exception(show_locals=False)
    kind = type(error).__name__
    console.print(f"[red]{_('error')}[/red]: {_('Unexpected fault')}: {kind}: {escape(str(error))}", soft_wrap=True)
    if not debug:
        console.print("    " + _("Run the command again with --debug before it to see where, and report it."))
    return 1


def _console() -> Console:
    from rich.console import Console

    return Console(stderr=True, highlight=False, emoji=False)
