"""Security labels and their arithmetic (grades of the National Network Security Framework, N2SF 1.0: O < S < C, and
of the Military Secrets Act: III < II < I).

A label is a point in a lattice: grades are ordered, compartments are sets. What is computed from labelled
things carries their least upper bound (high-water mark); a person sees what their clearance dominates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from functools import lru_cache, reduce
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_serializer, model_validator
from pydantic.alias_generators import to_camel

from bongsu.domain.messages import N_


class Grade(StrEnum):
    """Grades in ascending order: open (O), sensitive (S), military secrets of grade III, II and I, and classified (C):
    a secret of whatever grade, which is above all that have one. A site states some of them."""

    OPEN = "O"
    SENSITIVE = "S"
    SECRET_III = "III"
    SECRET_II = "II"
    SECRET_I = "I"
    CLASSIFIED = "C"

    @property
    def rank(self) -> int:
        return list(Grade).index(self)


_LETTER = "[a-z0-9가-힣]"
COMPARTMENT = re.compile(rf"^{_LETTER}(?:[a-z0-9가-힣-]{{0,38}}{_LETTER})?$")
COMPARTMENT_FORM = N_("Lower-case letters a to z, digits and Hangul, with hyphens inside, at most 40 characters")
Compartment = Annotated[str, Field(pattern=COMPARTMENT.pattern, description=COMPARTMENT_FORM)]
"""Labels are written as one text with ``/`` between them, which a name may not hold; and one compartment has one
spelling."""


class Label(BaseModel):
    """A grade, the compartments it is held in, and the day on which it may be reviewed for release.

    Written in files as ``S`` or as ``{grade: S, compartments: [logistics]}``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    grade: Grade = Grade.OPEN
    compartments: frozenset[Compartment] = frozenset()
    declassify_on: date | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_grade(cls, value: Any) -> Any:
        return {"grade": value} if isinstance(value, str) else value

    @field_serializer("compartments")
    def _in_order(self, value: frozenset[str]) -> list[str]:
        # Plans are hashed: the order of a set must not differ between processes.
        return sorted(value)

    def join(self, other: Label) -> Label:
        """Least upper bound. Its review date is the later one; there is none if a protected side has none, whatever
        the grades: a review of the whole may not release a part before its time."""
        sides = (self, other)
        dates = [label.declassify_on for label in sides if label.declassify_on]
        unreviewed = any(label.is_protected and label.declassify_on is None for label in sides)
        return Label(
            grade=max((label.grade for label in sides), key=lambda grade: grade.rank),
            compartments=self.compartments | other.compartments,
            declassify_on=None if unreviewed else max(dates, default=None),
        )

    @property
    def is_protected(self) -> bool:
        """True if not everybody may see what carries it."""
        return self.grade is not Grade.OPEN or bool(self.compartments)

    def dominates(self, other: Label) -> bool:
        """True if a holder of this label may see what carries ``other``."""
        return self.grade.rank >= other.grade.rank and self.compartments >= other.compartments

    def __str__(self) -> str:
        return "/".join([self.grade.value, *sorted(self.compartments)])

    @classmethod
    def parse(cls, text: str) -> Label:
        """What ``str()`` wrote. A review date is not written, so it is lost: the label stays as high or higher."""
        return _parsed(text)


@lru_cache(maxsize=4096)  # there are few, and every row has one
def _parsed(text: str) -> Label:
    grade, *compartments = text.split("/")
    return Label(grade=Grade(grade), compartments=frozenset(compartments))


OPEN = Label()


def high_water_mark(labels: Iterable[Label], floor: Label = OPEN) -> Label:
    """The label of what is made from ``labels`` in a pipeline whose floor is ``floor``."""
    return reduce(Label.join, labels, floor)
