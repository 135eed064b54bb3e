"""``database``: the store of a server, for whoever keeps it: which schema, whether all is whole, up and down."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from bongsu.cli.commands.naming_grades import RestrictedAsOption, stated_grades
from bongsu.cli.commands.shared import AsJson, only_here, server_context
from bongsu.cli.failures import print_problems, problem_document
from bongsu.cli.printing import out, say, say_json
from bongsu.cli.state import options
from bongsu.cli.texts import _, said
from bongsu.domain.grades import SchemeName

if TYPE_CHECKING:
    from bongsu.service.database_state import Schema

database = typer.Typer(
    help=_("The store of a server or a home, for whoever keeps it."), no_args_is_help=True, rich_markup_mode=None
)
Address = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="BONGSU_DATABASE",
        help=_("Address of the PostgreSQL database; a file in the home if not given."),
    ),
]
DAMAGED = 8


def add_to(app: typer.Typer) -> None:
    app.add_typer(database, name="database")


def _here(context: typer.Context, command: str, address: str | None) -> None:
    """What lies here is read, also where other commands ask a server; who gives no address is told so."""
    only_here(context, f"database {command}")
    if not address and (found := server_context(context)) is not None:
        told = _("This is the database in {home} on this machine, not that of the server {context}, {url}.")
        say(told.format(home=options(context).home, context=found[0], url=found[1].url), error=True)


def _tell_schema(found: Schema, as_json: bool) -> None:
    if as_json:
        say_json(found)
        return
    words = _("Schema {found}; this version of Bongsu needs {known}.")
    say(words.format(found=found.found or "–", known=found.known))


@database.command("show", help=_("Show which schema it has, and which one this version needs."))
def show(context: typer.Context, address: Address = None, as_json: AsJson = False) -> None:
    from bongsu.service.database_state import schema_of

    _here(context, "show", address)
    found = schema_of(options(context).home, address or None)
    _tell_schema(found, as_json)


@database.command("check", help=_("Read every row, and every byte of every artifact; changes nothing."))
def check(
    context: typer.Context,
    address: Address = None,
    sizes_only: Annotated[
        bool, typer.Option("--sizes-only", help=_("Compare sizes of files, and read none."))
    ] = False,
    as_json: AsJson = False,
) -> None:
    from bongsu.service.database_state import check_whole

    _here(context, "check", address)
    found = check_whole(options(context).home, address or None, os.environ, read_bytes=not sizes_only)
    if as_json:
        say_json(
            {
                "schema": found.schema,
                "trees": found.trees,
                "problems": [problem_document(one) for one in found.faults],
            }
        )
    else:
        say(_("Database: schema {schema}, every row can be read.").format(schema=found.schema or "–"))
        whole = found.trees - len(found.faults)
        say(_("Artifacts: {whole} of {count} are whole.").format(whole=whole, count=found.trees))
        print_problems(out(error=True, markup=True), found.faults)
    if found.faults:
        raise typer.Exit(DAMAGED)


@database.command("migrate", help=_("Bring it to a schema, up or down; opening it brings it up by itself."))
def migrate(
    context: typer.Context,
    address: Address = None,
    to: Annotated[str, typer.Option(metavar="REVISION", help=_("Four digits, or head."))] = "head",
    may_lose: Annotated[
        bool, typer.Option("--lose-newer", help=_("Go down, and lose what only the newer schema has a place for."))
    ] = False,
    as_json: AsJson = False,
) -> None:
    from bongsu.service.database_state import move_schema

    _here(context, "migrate", address)
    found = move_schema(options(context).home, address or None, to, may_lose=may_lose)
    _tell_schema(found, as_json)


@database.command("grades", help=_("Show which grades the site has, or change them, also while servers run."))
def grades(
    context: typer.Context,
    scheme: Annotated[
        SchemeName | None,
        typer.Argument(help=_("n2sf (O, S, C) or military (O, S, III, II, I)."), show_default=False),
    ] = None,
    restricted_as: RestrictedAsOption = None,
    address: Address = None,
    as_json: AsJson = False,
) -> None:
    from bongsu.cli.commands.serve import site_home
    from bongsu.service.grades import in_words
    from bongsu.service.grades_kept import KeptGrades, change_grades_at, grades_at

    _here(context, "grades", address)
    home, url = site_home(options(context).home.absolute()), address or None
    if scheme is None and restricted_as is None:
        found = grades_at(home, url)
    else:
        found = change_grades_at(home, os.environ, url, stated_grades(scheme, restricted_as))
    if as_json:
        say_json(KeptGrades.of(found))
        return
    say(_("Grades of the site: {grades}.").format(grades=said(in_words(found))))
