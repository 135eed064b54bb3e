"""What a field of a pydantic model takes, in words; found by walking the annotations."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Annotated, Any, Literal, Union

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from bongsu.domain.links import listed
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Phrase, Words, either, phrase
from bongsu.domain.resources import parse_bytes, parse_duration
from bongsu.domain.scalars import format_scalar, kind_of

Loc = tuple[str | int, ...]


@dataclass(frozen=True)
class Unit:
    """A quantity that is written with a unit."""

    expected: Phrase
    units: Phrase
    example: str


SIZE = Unit(
    phrase(N_("a size")), phrase(N_("Ki, Mi, Gi, Ti (powers of 1,024) and k, M, G, T (powers of 1,000)")), "80Gi"
)
DURATION = Unit(phrase(N_("a duration")), phrase(N_("d, h, m and s")), "1h30m")
_UNITS: dict[Any, Unit] = {parse_bytes: SIZE, parse_duration: DURATION}
_WORDS: dict[Any, Phrase] = {
    bool: kind_of(True),
    int: kind_of(0),
    float: kind_of(0.0),
    str: kind_of(""),
    date: phrase(N_("a date such as 2031-01-31")),
    timedelta: phrase(N_("a duration such as 90s, 15m or 1h30m")),
    type(None): kind_of(None),
}
_ANOTHER = phrase(N_("another value"))


def parts(annotation: Any, inherited: Iterable[Any] = ()) -> list[tuple[Any, tuple[Any, ...]]]:
    """The members of a union with their metadata; one member if it is no union. ``None`` is left out."""
    origin = typing.get_origin(annotation)
    metadata = tuple(inherited)
    if origin is Annotated:
        inner, *extra = typing.get_args(annotation)
        return parts(inner, (*metadata, *extra))
    if origin in (Union, types.UnionType):
        members = [member for member in typing.get_args(annotation) if member is not type(None)]
        return [part for member in members for part in parts(member, metadata)]
    return [(annotation, metadata)]


def unit_of(annotation: Any, metadata: Iterable[Any] = ()) -> Unit | None:
    """The unit, if the value is a size or a duration."""
    for _type, extra in parts(annotation, metadata):
        for item in extra:
            if isinstance(item, BeforeValidator) and item.func in _UNITS:
                return _UNITS[item.func]
    return None


def choices(annotation: Any) -> list[str]:
    """The values that an enum or a Literal allows."""
    found: list[str] = []
    for type_, _metadata in parts(annotation):
        if typing.get_origin(type_) is Literal:
            found += [format_scalar(value) for value in typing.get_args(type_)]
        elif isinstance(type_, type) and issubclass(type_, Enum):
            found += [str(member.value) for member in type_]
    return found


def describe(annotation: Any, metadata: Iterable[Any] = ()) -> Words:
    """``a whole number``, ``a list of texts``, ``one of W4A16, FP8``."""
    unit = unit_of(annotation, metadata)
    if unit is not None:
        return phrase(N_("{expected} with a unit, such as {example}"), expected=unit.expected, example=unit.example)
    allowed = choices(annotation)
    if allowed:
        return allowed[0] if len(allowed) == 1 else phrase(N_("one of {known}"), known=", ".join(allowed))
    return either(list(dict.fromkeys(_describe_one(type_) for type_, _metadata in parts(annotation))))


def _describe_one(type_: Any) -> Words:
    if type_ in _WORDS:
        return _WORDS[type_]
    origin = typing.get_origin(type_) or type_
    if isinstance(origin, type) and issubclass(origin, BaseModel):
        return phrase(N_("a mapping with the keys {keys}"), keys=listed(keys_of(origin)))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return kind_of({})
    if isinstance(origin, type) and issubclass(origin, Sequence | Set):
        inner = [arg for arg in typing.get_args(type_) if arg is not Ellipsis]
        if inner and inner[0] is not Any:
            return phrase(N_("a list ({items})"), items=describe(inner[0]))
        return kind_of([])
    return kind_of("") if isinstance(origin, type) else _ANOTHER


def keys_of(model: type[BaseModel]) -> list[str]:
    """Keys as they are written in files."""
    return [field.alias or name for name, field in model.model_fields.items()]


def field_of(model: type[BaseModel], key: str) -> FieldInfo | None:
    for name, field in model.model_fields.items():
        if (field.alias or name) == key:
            return field
    return None


@dataclass(frozen=True)
class Found:
    """What is declared at the end of a path: annotation, constraints and description."""

    annotation: Any
    metadata: tuple[Any, ...] = ()
    description: str = ""

    @property
    def models(self) -> list[type[BaseModel]]:
        found = [type_ for type_, _ in parts(self.annotation)]
        return [type_ for type_ in found if isinstance(type_, type) and issubclass(type_, BaseModel)]


def find(model: type[BaseModel], loc: Loc) -> Found:
    """Walk a pydantic error's ``loc``. Steps that name a member of a union or a key lead nowhere and are passed."""
    here = Found(model)
    for step in loc:
        here = _step(here, step) or here
    return here


def find_key(model: type[BaseModel], loc: Loc) -> Found:
    """What the keys of a mapping are declared as: ``loc`` is the mapping's, then the key, then ``[key]``."""
    here = find(model, loc[:-2])
    for type_, _metadata in parts(here.annotation, here.metadata):
        origin, args = typing.get_origin(type_), typing.get_args(type_)
        if isinstance(origin, type) and issubclass(origin, Mapping) and len(args) == 2:
            return _of_item(args[0])
    return here


def _step(here: Found, step: str | int) -> Found | None:
    for type_, _metadata in parts(here.annotation, here.metadata):
        origin = typing.get_origin(type_) or type_
        args = typing.get_args(type_)
        if not isinstance(origin, type):
            continue
        if issubclass(origin, BaseModel) and isinstance(step, str):
            field = field_of(origin, step)
            if field is not None:
                return _of_field(field)
        elif issubclass(origin, Mapping) and len(args) == 2 and not _is_tag(step):
            return _of_item(args[1])
        elif issubclass(origin, Sequence | Set) and not issubclass(origin, str) and isinstance(step, int) and args:
            position = step if len(args) > step and Ellipsis not in args and len(args) > 1 else 0
            return _of_item(args[position])
    return None


def _is_tag(step: str | int) -> bool:
    return step == "[key]"


def _of_field(field: FieldInfo) -> Found:
    nested = [d for _t, extra in parts(field.annotation, field.metadata) for d in _descriptions(extra)]
    described = field.description or (nested[0] if nested else "")
    return Found(field.annotation, tuple(field.metadata), described)


def _of_item(annotation: Any) -> Found:
    described = [d for _type, extra in parts(annotation) for d in _descriptions(extra)]
    return Found(annotation, (), described[0] if described else "")


def _descriptions(metadata: Iterable[Any]) -> list[str]:
    return [item.description for item in metadata if isinstance(item, FieldInfo) and item.description]
