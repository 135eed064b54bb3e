"""Documents read back into what they were made of: the other way of :mod:`bongsu.domain.documents`."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Literal, NewType, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from bongsu.domain.document_types import hints_of, holds_models
from bongsu.domain.documents import TIME, camel, key_of
from bongsu.domain.labels import Label
from bongsu.domain.phrases import Phrase

T = TypeVar("T")


class Unlike(ValueError):
    """The document is not of the kind that was asked for; another version may have written it."""


def read(kind: type[T], document: Any) -> T:
    """What :func:`bongsu.domain.documents.plain` made a document of. Words come back as the texts that they were said
    in, and times to the millisecond. Keys that this version does not know are passed over.

    Raises:
        Unlike: something is missing, or of another type.
    """
    found: T = _read(kind, document, kind.__name__)
    return found


def part(document: Any, name: str) -> Any:
    """What stands under a key. Raises Unlike if nothing does."""
    if not isinstance(document, Mapping) or name not in document:
        raise Unlike(f"{name} is missing")
    return document[name]


def items(document: Any, name: str) -> list[Any]:
    """The list under a key. Raises Unlike if there is none."""
    found = part(document, name)
    if not isinstance(found, list):
        raise Unlike(f"{name} is no list")
    return found


def read_as(kind: Any, value: Any) -> Any:
    """As :func:`read`, of any type that a field may have."""
    return _read(kind, value, "value")


def _read(kind: Any, value: Any, where: str) -> Any:
    origin = get_origin(kind)
    if isinstance(kind, NewType):
        return _read(kind.__supertype__, value, where)
    if origin is Annotated:
        return _read(get_args(kind)[0], value, where)
    if origin in (Union, types.UnionType):
        return _one_of(get_args(kind), value, where)
    if origin is Literal:
        return _known(value if value in get_args(kind) else None, kind, value, where)
    if origin is not None:
        return _container(origin, get_args(kind), value, where)
    return _plain(kind, value, where)


def _plain(kind: Any, value: Any, where: str) -> Any:
    if kind is Any or kind is object:
        return value
    if kind in (None, type(None)):
        return _known(value is None, kind, value, where) and None
    if kind is Label and isinstance(value, str):
        return _tried(Label.parse, value, where)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _tried(kind, value, where)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _model(kind, value, where)
    if is_dataclass(kind) and kind is not Phrase:
        return _dataclass(kind, value, where)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return _tried(float, value, where)
    if isinstance(kind, type) and isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise Unlike(f"{where}: {value!r:.60} is not of {kind}")


def _container(origin: Any, inside: tuple[Any, ...], value: Any, where: str) -> Any:
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            raise Unlike(f"{where}: {value!r:.60} is no object")
        of_key, of_value = inside
        return {_read(of_key, key, where): _read(of_value, item, f"{where}.{key}") for key, item in value.items()}
    if not isinstance(value, list):
        raise Unlike(f"{where}: {value!r:.60} is no list")
    if origin is tuple and not (len(inside) == 2 and inside[1] is Ellipsis):
        if len(value) != len(inside):
            raise Unlike(f"{where}: {len(value)} items instead of {len(inside)}")
        return tuple(_read(one, item, where) for one, item in zip(inside, value, strict=True))
    items = [_read(inside[0], item, f"{where}[{place}]") for place, item in enumerate(value)]
    return items if origin not in (tuple, set, frozenset) else origin(items)


def _one_of(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    faults = []
    for kind in sorted(kinds, key=lambda kind: kind is float):  # a whole number stays one where both may stand
        try:
            return _read(kind, value, where)
        except Unlike as error:
            faults.append(str(error))
    raise Unlike("; ".join(faults))


def _dataclass(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise Unlike(f"{where}: {value!r:.60} is no object")
    hints = hints_of(kind)
    found = {}
    for field in fields(kind):
        key = camel(field.name)
        if key in value:
            told = _seconds(value[key], where) if field.name.endswith(TIME) else value[key]
            found[field.name] = _read(hints[field.name], told, f"{where}.{key}")
    return _tried(lambda _value: kind(**found), value, where)


def _model(kind: type[BaseModel], value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        return _tried(kind.model_validate, value, where)
    known = {}
    for name, field in kind.model_fields.items():
        key = key_of(name, field)
        if key in value:
            known[field.alias or name] = _inside(field.annotation, value[key], f"{where}.{key}")
    return _tried(kind.model_validate, known, where)


def _inside(annotation: Any, value: Any, where: str) -> Any:
    """A field of a model: what holds models is read here, everything else the model reads itself."""
    return _read(annotation, value, where) if holds_models(annotation) else value


def _seconds(value: Any, where: str) -> Any:
    if value is None:
        return None
    return _tried(lambda text: datetime.fromisoformat(text).timestamp(), value, where)


def _tried(make: Callable[[Any], Any], value: Any, where: str) -> Any:
    try:
        return make(value)
    except (ValidationError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise Unlike(f"{where}: {error}") from error


def _known(fits: Any, kind: Any, value: Any, where: str) -> Any:
    if fits in (None, False):
        raise Unlike(f"{where}: {value!r:.60} is not of {kind}")
    return value
