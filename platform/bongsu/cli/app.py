"""The commands of ``bongsu`` and what holds for all of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.exceptions import TyperException

from bongsu.cli import failures
from bongsu.cli.commands import (
    approvals,
    artifacts,
    audit,
    contexts,
    database,
    datasets,
    describe,
    grants,
    inspect,
    keys,
    looking,
    ministries,
    mlflow,
    models,
    people,
    permits,
    pipeline,
    policy,
    run_control,
    serve,
    service_accounts,
    uses,
)
from bongsu.cli.ending import Ended
from bongsu.cli.helping import check_language, speak
from bongsu.cli.printing import discard_output, say
from bongsu.cli.state import Options, home_of
from bongsu.cli.texts import _
from bongsu.cli.usage import help_asked_by_silence, usage_problem
from bongsu.domain.codes import cli as codes
from bongsu.domain.problems import BongsuError

app = typer.Typer(
    name="bongsu",
    help=_("Adapt, compress, verify and register A.X models: a pipeline YAML in, a governed model out."),
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(value: bool) -> None:
    if value:
        from bongsu import __version__

        say(f"bongsu {__version__}")
        raise typer.Exit()


def _check_language(value: str | None) -> str | None:
    return check_language(value if value is not None else os.environ.get("BONGSU_LANG") or None)


@app.callback()
def _globals(
    context: typer.Context,
    home: Annotated[
        str | None,
        typer.Option(metavar="PATH", help=_("Directory of all state; BONGSU_HOME or .bongsu if not given.")),
    ] = None,
    lang: Annotated[
        str | None,
        typer.Option(callback=_check_language, is_eager=True, help=_("Language of texts: ko or en.")),
    ] = None,
    context_: Annotated[
        str | None,
        typer.Option("--context", metavar="NAME", help=_("Control plane to speak to; see `bongsu context list`.")),
    ] = None,
    debug: Annotated[bool, typer.Option(help=_("Show tracebacks of unexpected faults."))] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help=_("Print the version."))
    ] = False,
) -> None:
    del lang, version  # the language was chosen before the commands were declared
    if home == "":  # as a path it would be the current folder
        raise codes.EMPTY_HOME.error()
    chosen = context_ or os.environ.get("BONGSU_CONTEXT") or None
    context.obj = Options(home_of(home, os.environ), debug, home is not None, chosen)


for module in (
    pipeline,
    run_control,
    inspect,
    looking,
    models,
    mlflow,
    datasets,
    uses,
    permits,
    approvals,
    artifacts,
    grants,
    audit,
    policy,
    ministries,
    people,
    service_accounts,
    contexts,
    serve,
    database,
    keys,
    describe,
):
    module.add_to(app)
speak(app)


def run() -> int:
    """Run the command line; returns the exit status."""
    as_json = "--json" in sys.argv
    try:
        _check_arguments(sys.argv[1:])
        result = app(standalone_mode=False)
    except BongsuError as error:
        return failures.report(error, as_json)
    except Ended as ended:
        return ended.status
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except TyperException as error:
        text = help_asked_by_silence(error)
        if text is None:
            return failures.report(BongsuError([usage_problem(error)]), as_json)
        say(text, error=True)
        return 2
    except BrokenPipeError:
        # The reader of a pipe left (`bongsu runs | head`): nothing more to say, and no message at exit either.
        discard_output()
        return 0
    except OSError as error:
        if "--debug" in sys.argv:
            return failures.report_unexpected(error, debug=True)
        return failures.report(codes.SYSTEM_ERROR.error(detail=str(error)), as_json)
    except Exception as error:
        return failures.report_unexpected(error, "--debug" in sys.argv)
    return int(result) if isinstance(result, int) else 0


def _check_arguments(arguments: Sequence[str]) -> None:
    """What is not UTF-8 can neither be looked up nor written down. Raises ``cli.undecodable-argument``."""
    wrong = [argument for argument in arguments if any("\ud800" <= character <= "\udfff" for character in argument)]
    if wrong:
        raise BongsuError(codes.UNDECODABLE_ARGUMENT.at(argument=argument) for argument in wrong)
