"""What commands about ministries, people and service accounts take: ids, clearances, and who somebody is elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from bongsu.cli import completion
from bongsu.cli.commands.naming_grades import METAVAR, suggested, written_grade
from bongsu.cli.texts import _
from bongsu.domain.codes import client as codes
from bongsu.domain.grades import GradeScheme
from bongsu.domain.labels import Label
from bongsu.domain.people import ActorKind

if TYPE_CHECKING:
    from bongsu.service.people import NewPerson
    from bongsu.service.planes.people import PeoplePlane

NewPersonId = Annotated[
    str, typer.Argument(metavar="PERSON", help=_("MINISTRY/NAME, such as mnd/kim."), show_default=False)
]
PersonId = Annotated[
    str,
    typer.Argument(
        metavar="PERSON",
        help=_("MINISTRY/NAME, such as mnd/kim."),
        autocompletion=completion.anybody,
        show_default=False,
    ),
]
NewAccountId = Annotated[
    str,
    typer.Argument(
        metavar="ACCOUNT", help=_("Id of the service account: MINISTRY/NAME, such as mnd/ci."), show_default=False
    ),
]
AccountId = Annotated[
    str,
    typer.Argument(
        metavar="ACCOUNT",
        help=_("Id of the service account: MINISTRY/NAME, such as mnd/ci."),
        autocompletion=completion.service_accounts,
        show_default=False,
    ),
]
NewMinistryName = Annotated[
    str, typer.Argument(metavar="MINISTRY", help=_("Name of the ministry, such as mnd."), show_default=False)
]
MinistryName = Annotated[
    str,
    typer.Argument(
        metavar="MINISTRY",
        help=_("Name of the ministry, such as mnd."),
        autocompletion=completion.ministries,
        show_default=False,
    ),
]
Named = Annotated[str, typer.Option(help=_("As people read it."), show_default=False)]
Issuer = Annotated[
    str | None, typer.Option(metavar="URL", help=_("Their identity provider; the server's if not given."))
]
Clearance = Annotated[
    str, typer.Option(metavar=METAVAR, autocompletion=suggested, help=_("The highest grade that they may see."))
]
Compartments = Annotated[list[str] | None, typer.Option(help=_("A compartment that they may see; repeatable."))]
Vetting = Annotated[
    str, typer.Option("--reason", help=_("Which vetting the clearance follows; a clearance above O needs one."))
]


def clearance_of(grade: str, compartments: list[str] | None, grades: Callable[[], GradeScheme]) -> Label:
    """Raises ``run.compartment-name``, ``label.grade-outside``.

    Args:
        grade: as it is written.
        compartments: that they may see.
        grades: as of :func:`bongsu.cli.commands.naming_grades.written_grade`.
    """
    from bongsu.service.labels import stated_label

    return stated_label(written_grade(grade, grades), compartments or ())


def new_person(
    opened: PeoplePlane, id_: str, name: str, issuer: str | None, subject: str, vetted: tuple[Label, str]
) -> NewPerson:
    """A person whose tokens the server's own identity provider gives, if no other one is named; ``vetted`` is what they
    may see, and why. Raises ``client.no-issuer``."""
    from bongsu.service.people import NewPerson

    found = issuer or opened.issuer_for(ActorKind.PERSON)
    if not found:
        raise codes.NO_ISSUER.error()
    return NewPerson(id_, name, found, subject, ActorKind.PERSON, *vetted)
