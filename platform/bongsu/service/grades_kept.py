"""The grades of a site as whoever keeps it sees and changes them, at a home or a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bongsu.domain.grades import N2SF, GradeScheme, SchemeName
from bongsu.domain.labels import Grade
from bongsu.service.database_state import address_of
from bongsu.service.embedded import open_home
from bongsu.service.grades import StatedGrades, change_grades
from bongsu.store import database as store
from bongsu.store.grades import grades_if_known


@dataclass(frozen=True)
class KeptGrades:
    """Attributes:
    scheme: which grades there are.
    grades: those that may be stated and given as a clearance, lowest first.
    restricted: the one under which 대외비 stands.
    """

    scheme: SchemeName
    grades: tuple[Grade, ...]
    restricted: Grade

    @classmethod
    def of(cls, grades: GradeScheme) -> KeptGrades:
        return cls(grades.name, grades.grades, grades.restricted)


def grades_at(home: Path, database_url: str | None) -> GradeScheme:
    """Look, and change nothing. Raises as :func:`bongsu.store.database.open_for_reading`."""
    url = address_of(home, database_url)
    if store.revision_at(url) is None:
        return N2SF
    with store.open_for_reading(url) as connection:
        return grades_if_known(connection)


def change_grades_at(
    home: Path, environment: Mapping[str, str], database_url: str | None, stated: StatedGrades
) -> GradeScheme:
    """:func:`bongsu.service.grades.change_grades` at a server's home or database, whether it runs or not; a home that
    is not there is made. Raises as that and as :func:`bongsu.service.embedded.open_home`."""
    platform = open_home(home, environment, None, database_url)
    try:
        return change_grades(platform, stated)
    finally:
        platform.close()
