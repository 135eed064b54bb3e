"""Ministries of a server: ``ministries list``, ``receivers``, ``register``, ``close``; at its machine ``found`` and
``gpus``."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from bongsu.cli.commands.naming_people import (
    Clearance,
    Compartments,
    Issuer,
    MinistryName,
    NewMinistryName,
    PersonId,
    Vetting,
    clearance_of,
    new_person,
)
from bongsu.cli.commands.shared import AsJson, only_here, people_plane
from bongsu.cli.printing import out, say, say_json
from bongsu.cli.state import options
from bongsu.cli.texts import _

ministries = typer.Typer(help=_("Ministries that share a server."), no_args_is_help=True, rich_markup_mode=None)
TitleKo = Annotated[str, typer.Option(help=_("Its name in Korean."), show_default=False)]
TitleEn = Annotated[str, typer.Option(help=_("Its name in English."), show_default=False)]
Operator = Annotated[
    str,
    typer.Option(metavar="PERSON", help=_("Id of its first operator: MINISTRY/NAME."), show_default=False),
]
OperatorName = Annotated[str, typer.Option(help=_("The operator, as people read it."), show_default=False)]
Subject = Annotated[
    str, typer.Option(help=_("What the identity provider calls the operator (`sub`)."), show_default=False)
]
DatabaseAddress = Annotated[
    str | None,
    typer.Option(
        help=_("Address of the PostgreSQL database; BONGSU_DATABASE if not given, else a file in the home.")
    ),
]


def add_to(app: typer.Typer) -> None:
    app.add_typer(ministries, name="ministries")


@ministries.command("list", help=_("List those in which you may look."))
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    with people_plane(context) as opened:
        found = opened.ministries()
    if as_json:
        say_json(found)
        return
    from bongsu.cli.render.people import ministries_view

    nothing = _("You may look in no ministry. An operator of yours gives you a role: `bongsu people give-role`.")
    out().print(ministries_view(found) if found else nothing)


@ministries.command("receivers", help=_("List all that take part, for who shares data, models or grants with one."))
def receivers(context: typer.Context, as_json: AsJson = False) -> None:
    with people_plane(context) as opened:
        found = opened.receivers()
    if as_json:
        say_json(found)
        return
    from bongsu.cli.render.people import receivers_view

    nothing = _("That is for data custodians, programme managers and engineers; ask one of yours.")
    out().print(receivers_view(found) if found else nothing)


@ministries.command("register", help=_("Register a further ministry with its first operator, as an operator."))
def register(
    context: typer.Context,
    ministry: NewMinistryName,
    title_ko: TitleKo,
    title_en: TitleEn,
    operator: Operator,
    operator_name: OperatorName,
    subject: Subject,
    issuer: Issuer = None,
    clearance: Clearance = "O",
    compartment: Compartments = None,
    reason: Vetting = "",
    as_json: AsJson = False,
) -> None:
    from bongsu.service.ministries import NewMinistry

    with people_plane(context) as opened:
        cleared = clearance_of(clearance, compartment, opened.grades)
        person = new_person(opened, operator, operator_name, issuer, subject, (cleared, reason))
        made = opened.register(NewMinistry(ministry, title_ko, title_en), person)
    if as_json:
        say_json(made)
        return
    say(_("{ministry} takes part now; {person} is its operator.").format(ministry=made.name, person=operator))


@ministries.command("close", help=_("Let a ministry leave, as its operator: nobody is anything in it afterwards."))
def close(
    context: typer.Context,
    ministry: MinistryName,
    witness: Annotated[
        str | None,
        typer.Option(
            metavar="MINISTRY",
            help=_("Ministry whose auditors and accreditors read its log from then on, beside its own."),
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    with people_plane(context) as opened:
        closed = opened.close(ministry, witness)
    if as_json:
        say_json(closed)
        return
    say(_("{ministry} has left. Its objects and its log stay.").format(ministry=closed.name))


@ministries.command("found", help=_("Make the first ministry of a new server, on its machine or at its database."))
def found(
    context: typer.Context,
    ministry: NewMinistryName,
    title_ko: TitleKo,
    title_en: TitleEn,
    operator: Operator,
    operator_name: OperatorName,
    subject: Subject,
    issuer: Annotated[
        str,
        typer.Option(
            metavar="URL", help=_("Identity provider, as `bongsu serve --issuer` has it."), show_default=False
        ),
    ],
    database: DatabaseAddress = None,
    clearance: Clearance = "O",
    compartment: Compartments = None,
    reason: Vetting = "",
    as_json: AsJson = False,
) -> None:
    from bongsu.service.founding import found_at
    from bongsu.service.grades_kept import grades_at
    from bongsu.service.ministries import NewMinistry
    from bongsu.service.people import NewPerson

    only_here(context, "ministries found")
    home, address = options(context).home, _address(database)
    cleared = clearance_of(clearance, compartment, lambda: grades_at(home, address))
    person = NewPerson(operator, operator_name, issuer, subject, clearance=cleared, reason=reason)
    made = found_at(home, os.environ, address, NewMinistry(ministry, title_ko, title_en), person)
    if as_json:
        say_json(made)
        return
    say(
        _("{ministry} is the first ministry; {person} is its operator.").format(ministry=made.name, person=operator)
    )


@ministries.command("gpus", help=_("Say that a ministry owns GPUs, and so gives grants, on the server's machine."))
def gpus(
    context: typer.Context,
    ministry: MinistryName,
    owns: Annotated[
        bool, typer.Option("--owns/--owns-none", help=_("Whether it owns any; it gives no grants without."))
    ] = True,
    database: DatabaseAddress = None,
    as_json: AsJson = False,
) -> None:
    from bongsu.service.founding import owners_at

    only_here(context, "ministries gpus")
    told = owners_at(options(context).home, os.environ, _address(database), ministry, owns)
    if as_json:
        say_json(told)
        return
    words = _("{ministry} owns GPUs and can give grants of them.") if owns else _("{ministry} owns no GPUs.")
    say(words.format(ministry=told.name))


@ministries.command(
    "operator", help=_("Name an operator of a ministry that has none left, on the server's machine.")
)
def operator_(
    context: typer.Context,
    ministry: MinistryName,
    person: PersonId,
    database: DatabaseAddress = None,
    as_json: AsJson = False,
) -> None:
    from bongsu.service.founding import operator_at
    from bongsu.service.people_documents import person_document

    only_here(context, "ministries operator")
    made = operator_at(options(context).home, os.environ, _address(database), ministry, person)
    if as_json:
        say_json(person_document(made))
        return
    say(_("{person} is an operator of {ministry} now.").format(person=made.id, ministry=ministry))


def _address(given: str | None) -> str | None:
    return given or os.environ.get("BONGSU_DATABASE") or None
