"""Data sets under a name: ``datasets list`` and ``datasets add``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bongsu.cli import completion
from bongsu.cli.commands.naming_grades import METAVAR, suggested, written_grade
from bongsu.cli.commands.shared import AsJson, Ministry, plane
from bongsu.cli.printing import out, say, say_json
from bongsu.cli.texts import _

datasets = typer.Typer(help=_("Data sets that have a name."), no_args_is_help=True, rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    app.add_typer(datasets, name="datasets")


@datasets.command("list", help=_("List registered data sets, newest version first."))
def list_(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help=_("Only this data set."), autocompletion=completion.datasets)
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, max=10_000, help=_("At most this many; all if not given."))
    ] = None,
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    with plane(context, ministry) as opened:
        found = opened.datasets(name, limit)
    if as_json:
        say_json(found)
        return
    from bongsu.cli.render.datasets import datasets_view

    out().print(datasets_view(found) if found else _("No data sets yet. `bongsu datasets add` gives one a name."))


@datasets.command("add", help=_("Give a data set a name and a version, so that pipelines can take it."))
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help=_("Name of the data set, e.g. korean-law."))],
    address: Annotated[
        str, typer.Argument(help=_("file:PATH, package:DISTRIBUTION/PATH or artifact:DIGEST, as in a pipeline."))
    ],
    grade: Annotated[
        str | None,
        typer.Option(
            metavar=METAVAR,
            autocompletion=suggested,
            help=_("Its grade, if it is higher than its card says, or if nobody here knows it."),
        ),
    ] = None,
    compartment: Annotated[
        list[str] | None, typer.Option(help=_("A compartment it is held in; repeatable."))
    ] = None,
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    with plane(context, ministry) as opened:
        stated = written_grade(grade, opened.grades) if grade is not None else None
        version = opened.register_dataset(name, address, Path.cwd(), stated, compartment or ())
    if as_json:
        say_json(version)
        return
    say(
        _("Pipelines can take it as {address} now; its label is {label}.").format(
            address=f"datasets:/{version.name}/{version.version}", label=version.label
        )
    )
