"""The commands of ``bongsu`` and what holds for all of them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from bongsu.cli import failures
from bongsu.cli.commands import describe, inspect, pipeline, run_control
from bongsu.cli.state import Options
from bongsu.cli.texts import _
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

        typer.echo(f"bongsu {__version__}")
        raise typer.Exit()


@app.callback()
def _globals(
    context: typer.Context,
    home: Annotated[
        Path | None, typer.Option(help=_("Directory of all state; BONGSU_HOME or .bongsu if not given."))
    ] = None,
    lang: Annotated[str | None, typer.Option(help=_("Language of texts: ko or en."))] = None,
    debug: Annotated[bool, typer.Option(help=_("Show tracebacks of unexpected faults."))] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help=_("Print the version."))
    ] = False,
) -> None:
    del lang, version  # the language was chosen before the commands were declared
    chosen = home or Path(os.environ.get("BONGSU_HOME") or ".bongsu")
    context.obj = Options(chosen.absolute(), debug)


for module in (pipeline, run_control, inspect, describe):
    module.add_to(app)


def run() -> int:
    """Run the command line; returns the exit status."""
    as_json = "--json" in sys.argv
    try:
        result = app(standalone_mode=False)
    except BongsuError as error:
        return failures.report(error, as_json)
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except TyperException as error:
        typer.echo(f"{_('error')}: {error.format_message()}", err=True)
        typer.echo(_("`bongsu --help` and `bongsu COMMAND --help` list what can be said."), err=True)
        return error.exit_code
    except BrokenPipeError:
        # The reader of a pipe left (`bongsu runs | head`): nothing more to say, and no message at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return failures.report_unexpected(error, "--debug" in sys.argv)
    return int(result) if isinstance(result, int) else 0
