"""Filters of lists, as they are written in an address: ``state = running AND createdAt >= "2026-11-01T00:00:00Z"``.

A part of Google's AIP-160: comparisons of a field with a value, joined by AND. ``field : a, b`` is true for any of
the values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bongsu.domain.codes import api as codes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase

MOST_COMPARISONS = 20
LONGEST = 2000
_FIELD = re.compile(r"\s*([A-Za-z][A-Za-z0-9]*)")
_OPERATOR = re.compile(r"\s*(!=|<=|>=|=|<|>|:)")
_VALUE = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",()]+))')
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
    """What a field holds; only times are ordered."""

    WORD = "word"
    TIME = "time"


@dataclass(frozen=True)
class Comparison:
    """Times are seconds since the epoch; everything else is text. ``ANY_OF`` has one value or more, the others one."""

    field: str
    operator: Operator
    values: tuple[str | float, ...]


def parse_filter(text: str, fields: dict[str, FieldKind]) -> tuple[Comparison, ...]:
    """The comparisons, all of which have to hold; none for a text without any.

    Args:
        text: as it came.
        fields: what may be asked for.

    Raises:
        BongsuError: ``api.bad-filter``, ``api.unknown-field``.
    """
    if not text.strip():
        return ()
    if len(text) > LONGEST:
        raise codes.BAD_FILTER.error(near=text[:20], detail=phrase(N_("it is longer than {most}"), most=LONGEST))
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


def _comparison(text: str, place: int, fields: dict[str, FieldKind]) -> tuple[Comparison, int]:
    field = _FIELD.match(text, place)
    if field is None:
        raise _wrong(text, place, N_("here belongs the name of a field"))
    if field[1] not in fields:
        raise codes.UNKNOWN_FIELD.error(field=field[1], known=", ".join(sorted(fields)))
    operator = _OPERATOR.match(text, field.end())
    if operator is None:
        raise _wrong(text, field.end(), N_("here belongs one of = != < <= > >= :"))
    is_ = Operator(operator[1])
    kind = fields[field[1]]
    if kind is FieldKind.WORD and is_ not in (Operator.IS, Operator.IS_NOT, Operator.ANY_OF):
        raise _wrong(text, field.end(), phrase(N_("{field} has no order"), field=field[1]))
    values, place = _values(text, operator.end(), several=is_ is Operator.ANY_OF)
    read = tuple(_time(text, operator.end(), value) if kind is FieldKind.TIME else value for value in values)
    return Comparison(field[1], is_, read), place


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


def _time(text: str, place: int, value: str) -> float:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise _wrong(text, place, N_("here belongs a time, e.g. 2026-11-01T00:00:00Z")) from None
    if found.tzinfo is None:
        raise _wrong(text, place, N_("a time needs its zone, e.g. Z or +09:00"))
    return found.timestamp()


def _wrong(text: str, place: int, detail: Words) -> Exception:
    return codes.BAD_FILTER.error(near=text[place : place + 20].strip(), detail=detail)
