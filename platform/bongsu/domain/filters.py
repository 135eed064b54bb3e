"""Filters of lists, as they are written in an address: ``state = running AND createdAt >= "2026-11-01T00:00:00Z"``.

A part of Google's AIP-160: comparisons of a field with a value, joined by AND. ``field : a, b`` is true for any of
the values.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bongsu.domain.codes import api as codes
from bongsu.domain.documents import seconds_of
from bongsu.domain.labels import Grade, Label
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase
from bongsu.domain.suggest import closest
from bongsu.domain.unseen import first_unseen

MOST_COMPARISONS = 20
LONGEST = 2000
_FIELD = re.compile(r"\s*([A-Za-z][A-Za-z0-9]*)")
_OPERATOR = re.compile(r"\s*(!=|<=|>=|=|<|>|:)")
_VALUE = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",()]+))')
# No database and no reader of JSON has to round it.
_WHOLE = re.compile(r"-?[0-9]{1,15}")
_AND = re.compile(r"\s+AND\s+")


class Operator(StrEnum):
    IS = "="
    IS_NOT = "!="
    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="
    ANY_OF = ":"


class FieldKind(StrEnum):
    """What a field holds; words and labels have no order."""

    WORD = "word"
    LABEL = "label"
    NUMBER = "number"
    TIME = "time"


@dataclass(frozen=True)
class OneOf:
    """What a field holds that has one of a few words. Another is no empty list, but a mistake."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, words: Iterable[str]) -> OneOf:
        """E.g. of an enumeration."""
        return cls(tuple(map(str, words)))


Kind = FieldKind | OneOf
_ORDERED = (FieldKind.NUMBER, FieldKind.TIME)


@dataclass(frozen=True)
class Comparison:
    """Times are seconds since the epoch, numbers are whole; everything else is text. ``ANY_OF`` has one value or more,
    the others one."""

    field: str
    operator: Operator
    values: tuple[str | float, ...]

    def holds(self, value: str | float | None) -> bool:
        """Of what the field holds; as in SQL, nothing holds of None."""
        if value is None:
            return False
        if self.operator is Operator.ANY_OF:
            return value in self.values
        return bool(_COMPARED[self.operator](value, self.values[0]))


_COMPARED: Mapping[Operator, Callable[[Any, Any], Any]] = {
    Operator.IS: operator.eq,
    Operator.IS_NOT: operator.ne,
    Operator.BELOW: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.ABOVE: operator.gt,
    Operator.AT_LEAST: operator.ge,
}


def parse_filter(text: str, fields: Mapping[str, Kind]) -> tuple[Comparison, ...]:
    """The comparisons, all of which have to hold; none for a text without any.

    Args:
        text: as it came.
        fields: what may be asked for.

    Raises:
        BongsuError: ``api.bad-filter``, ``api.unknown-field``, ``api.unknown-value``.
    """
    if not text.strip():
        return ()
    if len(text) > LONGEST:
        raise codes.BAD_FILTER.error(near=text[:20], detail=phrase(N_("it is longer than {most}"), most=LONGEST))
    if unseen := first_unseen(text):
        detail = phrase(N_("it holds {character}, which nobody sees"), character=unseen)
        raise codes.BAD_FILTER.error(near=repr(text[:20])[1:-1], detail=detail)
    found: list[Comparison] = []
    place = 0
    while True:
        comparison, place = _comparison(text, place, fields)
        found.append(comparison)
        if not text[place:].strip():
            return tuple(found)
        joint = _AND.match(text, place)
        if joint is None:
            raise _wrong(text, place, N_("comparisons are joined by AND"))
        if len(found) == MOST_COMPARISONS:
            raise _wrong(text, place, phrase(N_("there are more than {most} comparisons"), most=MOST_COMPARISONS))
        place = joint.end()


def _comparison(text: str, place: int, fields: Mapping[str, Kind]) -> tuple[Comparison, int]:
    field = _FIELD.match(text, place)
    if field is None:
        raise _wrong(text, place, N_("here belongs the name of a field"))
    if field[1] not in fields:
        raise codes.UNKNOWN_FIELD.error(field=field[1], known=", ".join(sorted(fields)))
    sign = _OPERATOR.match(text, field.end())
    if sign is None:
        raise _wrong(text, field.end(), N_("here belongs one of = != < <= > >= :"))
    is_ = Operator(sign[1])
    kind = fields[field[1]]
    if kind not in _ORDERED and is_ not in (Operator.IS, Operator.IS_NOT, Operator.ANY_OF):
        raise _wrong(text, field.end(), phrase(N_("{field} has no order"), field=field[1]))
    values, place = _values(text, sign.end(), several=is_ is Operator.ANY_OF)
    if isinstance(kind, OneOf):
        _refuse_unknown(field[1], kind, values)
    return Comparison(
        field[1], is_, tuple(_read(text, sign.end(), field[1], kind, value) for value in values)
    ), place


def _refuse_unknown(field: str, kind: OneOf, values: Sequence[str]) -> None:
    for value in values:
        if value not in kind.words:
            suggestion = closest(value, kind.words)
            raise codes.UNKNOWN_VALUE.error(
                field=field, value=value, known=", ".join(kind.words), suggestion=suggestion
            )


def _values(text: str, place: int, *, several: bool) -> tuple[Sequence[str], int]:
    values: list[str] = []
    while True:
        found = _VALUE.match(text, place)
        if found is None:
            raise _wrong(text, place, N_("here belongs a value, in quotation marks if it has blanks"))
        values.append(re.sub(r"\\(.)", r"\1", found[1]) if found[1] is not None else found[2])
        place = found.end()
        comma = re.compile(r"\s*,").match(text, place)
        if not several or comma is None:
            return values, place
        place = comma.end()


def _read(text: str, place: int, field: str, kind: Kind, value: str) -> str | float:
    match kind:
        case FieldKind.LABEL:
            return _label(field, value)
        case FieldKind.TIME:
            return _time(text, place, value)
        case FieldKind.NUMBER:
            return _number(text, place, value)
    return value


def _label(field: str, value: str) -> str:
    """As labels are kept: their compartments in order."""
    try:
        return str(Label.parse(value))
    except ValueError:
        grades = ", ".join(Grade)
        known = phrase(N_("{grades}, each with compartments behind it or none, as in S/logistics"), grades=grades)
        raise codes.UNKNOWN_VALUE.error(field=field, value=value, known=known) from None


def _number(text: str, place: int, value: str) -> int:
    if not _WHOLE.fullmatch(value):
        raise _wrong(text, place, N_("here belongs a whole number"))
    return int(value)


def _time(text: str, place: int, value: str) -> float:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise _wrong(text, place, N_("here belongs a time, e.g. 2026-11-01T00:00:00Z")) from None
    if found.tzinfo is None:
        raise _wrong(text, place, N_("a time needs its zone, e.g. Z or +09:00"))
    try:
        return seconds_of(found)
    except ValueError:
        raise _wrong(text, place, N_("a time lies between the years 2 and 9998")) from None


def _wrong(text: str, place: int, detail: Words) -> Exception:
    return codes.BAD_FILTER.error(near=text[place : place + 20].strip(), detail=detail)
