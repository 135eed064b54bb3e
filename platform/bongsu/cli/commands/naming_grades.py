"""What commands about labels take: grades, as people write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from bongsu.cli.texts import _
from bongsu.domain.grades import RESTRICTED, GradeScheme, SchemeName
from bongsu.domain.labels import Grade

if TYPE_CHECKING:
    from bongsu.service.grades import StatedGrades

METAVAR = f"[{'|'.join((*Grade, RESTRICTED))}]"
RestrictedAs = Annotated[
    Grade | None,
    typer.Option(
        envvar="BONGSU_RESTRICTED_AS",
        help=_("The grade of what is marked 대외비; as the database holds it if not given, S the first time."),
    ),
]
# Where a command changes what is there, the environment of a server has no say.
RestrictedAsOption = Annotated[
    Grade | None, typer.Option("--restricted-as", help=_("The grade of what is marked 대외비."))
]


def suggested(incomplete: str) -> list[str]:
    """Grades, for whoever completes one."""
    return [one for one in (*Grade, RESTRICTED) if one.startswith(incomplete)]


def written_grade(text: str, grades: Callable[[], GradeScheme]) -> Grade:
    """The grade that somebody wrote.

    Args:
        text: one of the names, which whoever carries it out looks at, or another spelling.
        grades: of the site that is spoken to; asked only for what is no name of a grade.

    Raises:
        BongsuError: ``label.grade-outside``.
    """
    from bongsu.service.grades import read_grade

    return Grade(text) if text in set(Grade) else read_grade(grades(), text)


def stated_grades(name: SchemeName | None, restricted: Grade | None) -> StatedGrades:
    """What a command says of the site."""
    from bongsu.service.grades import StatedGrades

    return StatedGrades(name, restricted)
