"""How the command line fails: every problem with its place, its cure and its code; a traceback on request."""

from __future__ import annotations

import string
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bongsu.cli.printing import discard_output, out, say_json
from bongsu.cli.texts import _, translate
from bongsu.domain.fieldpath import shown
from bongsu.domain.messages import N_
from bongsu.domain.problems import BongsuError, Code, Problem
from bongsu.language.particles import settle_particles
from bongsu.language.problems import told

if TYPE_CHECKING:
    from rich.console import Console

# More than anybody reads on a screen, and mostly one mistake made many times.
MOST_SHOWN = 200
EXIT_CODES = {
    0: N_("success"),
    1: N_("an unexpected fault of Bongsu"),
    2: N_("the input is wrong"),
    3: N_("what was asked for does not exist"),
    4: N_("refused by policy"),
    5: N_("the run failed"),
    6: N_("the run was cancelled"),
    7: N_("the environment lacks something, and nothing else is wrong"),
    8: N_("stored data is damaged"),
    # As shells have it: 128 and the number of the signal.
    129: N_("ended because its terminal went away (SIGHUP)"),
    130: N_("interrupted by hand (Ctrl-C)"),
    143: N_("asked to end (SIGTERM)"),
}


def report(error: BongsuError, as_json: bool) -> int:
    """Print every problem and return the exit status. JSON goes to standard output, prose to standard error."""
    if as_json:
        say_json({"problems": [problem_document(problem) for problem in error.problems]})
        return error.exit_code
    try:
        print_problems(out(error=True, markup=True), error.problems)
    except BrokenPipeError:  # nobody reads it, and it is as true as before
        discard_output(error=True)
    return error.exit_code


def problem_document(problem: Problem) -> dict[str, Any]:
    """A problem as JSON has it, in the reader's language."""
    return told(problem, translate)


def print_problems(console: Console, problems: Iterable[Problem]) -> None:
    """One paragraph a problem: place, what, how to mend it, code."""
    count = 0
    for problem in problems:
        count += 1
        if count > MOST_SHOWN:
            continue
        _print_problem(console, problem, f"[red]{_('error')}[/red]")
    if count > MOST_SHOWN:
        console.print(_("{count} more; --json has all of them.").format(count=count - MOST_SHOWN))
    if count > 1:
        console.print(_("{count} problems.").format(count=count))


def print_warnings(console: Console, problems: Iterable[Problem]) -> None:
    """As :func:`print_problems`, of what does not keep anything from running."""
    for problem in problems:
        _print_problem(console, problem, f"[yellow]{_('warning')}[/yellow]")


def _print_problem(console: Console, problem: Problem, label: str) -> None:
    from rich.markup import escape

    # A file may have any name: one line, and not the whole screen.
    where = f"{shown(problem.location, 300)}: " if problem.location else ""
    path = f"[bold]{escape(problem.field_path)}[/bold]: " if problem.field_path else ""
    what, fix = (escape(settle_particles(text(translate))) for text in (problem.what, problem.fix))
    console.print(f"{escape(where)}{label}: {path}{what}", soft_wrap=True)
    console.print(f"    [green]→[/green] {fix} [dim]\\[{problem.code.name}][/dim]", soft_wrap=True)


def with_rule(code: Code, sentence: str) -> str:
    """What a code says, with the name of its rule, which is the same whenever it is said."""
    return sentence.replace("{rule}", code.rule) if code.rule else sentence


def with_names(sentence: str) -> str:
    """A template as people read it where nothing is filled in: ``{needed:g} GPU-hours`` as ``NEEDED GPU-hours``."""
    parts = string.Formatter().parse(sentence)
    return "".join(text + (name.upper() if name else "") for text, name, _form, _conversion in parts)


def report_unexpected(error: BaseException, debug: bool) -> int:
    """A fault of ours: one sentence, and the traceback only with ``--debug``."""
    from rich.markup import escape

    console = out(error=True, markup=True)
    if debug:
        console.print_exception(show_locals=False)
    kind = type(error).__name__
    console.print(f"[red]{_('error')}[/red]: {_('Unexpected fault')}: {kind}: {escape(str(error))}", soft_wrap=True)
    if not debug:
        console.print("    " + _("Run the command again with --debug before it to see where, and report it."))
    return 1
