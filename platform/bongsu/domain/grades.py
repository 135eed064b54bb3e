"""Which grades a site states, and how people write them.

The order of grades is the same everywhere (:class:`bongsu.domain.labels.Grade`); a scheme chooses those that may be
stated of a thing or given as a clearance. What people write (``Ⅱ급``, ``2급 비밀``, ``대외비``) becomes the grade where
it is read, and is kept nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from unicodedata import normalize

from bongsu.domain.labels import Grade, Label

RESTRICTED = "대외비"
"""What is no secret and is kept from outsiders; under which grade it stands, each site says."""
SPELLINGS = (RESTRICTED, "III급", "II급", "I급", "3급", "2급", "1급")
"""Usual ones besides the grades' own names, for whoever suggests them."""
SPELLED = r"대\s*외\s*비|(?:군사)?\s*(?:(?:III|II|I|Ⅲ|Ⅱ|Ⅰ)\s*급?|[123１２３]\s*급)\s*(?:비밀)?"
"""Every one of them, for schemas: in whatever spacing, with ``군사`` before or ``비밀`` behind."""
_WRITTEN = re.compile(SPELLED)
_PLAIN = re.compile(r"(?:군사)?(?:(III|II|I)급?|([123])급)(?:비밀)?")
_BY_NUMBER = {"1": Grade.SECRET_I, "2": Grade.SECRET_II, "3": Grade.SECRET_III}


class SchemeName(StrEnum):
    """The schemes that there are."""

    N2SF = "n2sf"
    MILITARY = "military"


_STATED: Mapping[SchemeName, tuple[Grade, ...]] = {
    SchemeName.N2SF: (Grade.OPEN, Grade.SENSITIVE, Grade.CLASSIFIED),
    SchemeName.MILITARY: (Grade.OPEN, Grade.SENSITIVE, Grade.SECRET_III, Grade.SECRET_II, Grade.SECRET_I),
}


class OutsideGrades(ValueError):
    """What is written is no grade of the site.

    Attributes:
        written: as it stands there.
        inside: it stands under ``grade``, and is not the whole label.
    """

    def __init__(self, written: str, *, inside: bool = False) -> None:
        super().__init__(written)
        self.written = written
        self.inside = inside


@dataclass(frozen=True)
class GradeScheme:
    """The grades of a site.

    Attributes:
        name: which of them may be stated and given as a clearance.
        restricted: the grade of what is marked ``대외비``; one of these above O. Raises ValueError for another one.
    """

    name: SchemeName = SchemeName.N2SF
    restricted: Grade = Grade.SENSITIVE

    def __post_init__(self) -> None:
        if self.restricted is Grade.OPEN or self.restricted not in self.grades:
            raise ValueError(f"{RESTRICTED} cannot stand under {self.restricted} in {self.name}")

    @property
    def grades(self) -> tuple[Grade, ...]:
        """Those that may be stated, lowest first."""
        return _STATED[self.name]

    def has(self, label: Label) -> bool:
        """True if a label may be stated here, or given as a clearance."""
        return label.grade in self.grades

    def grade(self, written: str) -> Grade:
        """The grade that somebody wrote. Raises OutsideGrades if there is none of that name here."""
        grade = _read(written, self.restricted)
        if grade not in self.grades:
            raise OutsideGrades(written)
        return grade

    def label(self, written: str) -> Label:
        """A label that somebody wrote in one text, such as ``II급/logistics``. Raises OutsideGrades; ValueError for
        what is none."""
        grade, *compartments = written.split("/")
        return Label(grade=self.grade(grade), compartments=frozenset(compartments))

    def canonical(self, stated: object) -> object:
        """A label as files have it, text or mapping, with its grade as it is kept; anything else as it is, for whoever
        validates it.

        Raises:
            OutsideGrades: its grade is none of this site.
        """
        if isinstance(stated, str):
            return self.grade(stated).value
        if isinstance(stated, dict) and isinstance(written := stated.get("grade"), str):
            try:
                return stated | {"grade": self.grade(written).value}
            except OutsideGrades:
                raise OutsideGrades(written, inside=True) from None
        return stated


def _read(written: str, restricted: Grade) -> Grade | None:
    """A grade's own name to the letter; other spellings in whatever width, with blanks where they part words: two
    numerals with one between them are two grades, and no lower third."""
    if written in set(Grade):
        return Grade(written)
    if _WRITTEN.fullmatch(written.strip()) is None:
        return None
    plain = "".join(normalize("NFKC", written).split())
    if plain == RESTRICTED:
        return restricted
    found = _PLAIN.fullmatch(plain)
    if found is None:
        return None
    return Grade(found[1]) if found[1] else _BY_NUMBER[found[2]]


N2SF = GradeScheme()
"""Of a site that has said nothing."""
