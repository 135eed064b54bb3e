"""JSON schemas (draft 2020-12) of what :mod:`bongsu.domain.documents` makes of values, from their types."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, NewType, TypeVar, Union, get_args, get_origin, is_typeddict

from pydantic import BaseModel, WithJsonSchema
from pydantic.json_schema import GenerateJsonSchema

from bongsu.domain.document_types import hints_of, is_written_by_us
from bongsu.domain.documents import TIME, camel, key_of
from bongsu.domain.phrases import Phrase

Schema = dict[str, Any]
DEFINITIONS = "$defs"
_TIME: Schema = {"type": "string", "format": "date-time"}
_BY_TYPE: dict[Any, Schema] = {
    type(None): {"type": "null"},
    None: {"type": "null"},
    Any: {},
    object: {},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    # JSON knows no NaN.
    float: {"type": ["number", "null"]},
    Phrase: {"type": "string"},
}
_ROLE = re.compile(r":\w+:`~?(?:[\w.]*\.)?([\w()]+)`")

Time = Annotated[str, WithJsonSchema(_TIME)]
"""A time that is written already, under a key that does not end as those of times do."""


class _Untitled(GenerateJsonSchema):
    """Titles of fields would say their names once more. What is given always has every key, so defaults say nothing."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: Any) -> Schema:
        return self.generate_inner(schema["schema"])


@cache
def schema_of(kind: Any) -> Schema:
    """What :func:`bongsu.domain.documents.plain` writes for a value of a type.

    Every class is a definition by its name, under ``$defs`` beside the schema itself; choices, and what stands for
    several classes as a page of something does, are written out. All keys of an object are required, and there are no
    others.

    Args:
        kind: a dataclass, a pydantic model, or a container, a union, a page of such.

    Raises:
        TypeError: nobody can say what is written for it, or two classes have the same name.
    """
    walk = _Walk()
    found = walk.schema(kind)
    return {**found, DEFINITIONS: walk.definitions}


def model_schema(kind: type[BaseModel]) -> Schema:
    """Of a model as pydantic itself writes it."""
    return kind.model_json_schema(mode="serialization", schema_generator=_Untitled)


class _Walk:
    """Definitions of classes that were met, by name."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}
        self._kinds: dict[str, Any] = {}

    def schema(self, kind: Any, given: Mapping[Any, Any] | None = None) -> Schema:
        """``given`` has what stands for type variables."""
        origin, inside = get_origin(kind), get_args(kind)
        if isinstance(kind, TypeVar):
            return self.schema((given or {})[kind], given)
        if isinstance(kind, NewType):
            return self.schema(kind.__supertype__, given)
        if origin is Annotated:
            said = [one for one in inside[1:] if isinstance(one, WithJsonSchema)]
            return self._said(kind, said[-1].json_schema or {}) if said else self.schema(inside[0], given)
        if origin in (Union, types.UnionType):
            return _any_of([self.schema(one, given) for one in inside])
        if origin is Literal:
            return _any_of([_one(value.value if isinstance(value, Enum) else value) for value in inside])
        if is_dataclass(origin):
            parameters = origin.__parameters__  # type: ignore[union-attr]  # of a Generic, as it has arguments
            return self._dataclass(origin, dict(zip(parameters, inside, strict=True)))
        if origin is not None:
            return self._container(origin, inside, given)
        return self._plain(kind)

    def _said(self, kind: Any, said: Schema) -> Schema:
        """What is annotated; a definition if it has a title."""
        rest = {key: one for key, one in said.items() if key != "title"}
        return self._defined(said["title"], kind, lambda: rest) if "title" in said else rest

    def _plain(self, kind: Any) -> Schema:
        if kind in _BY_TYPE:
            return dict(_BY_TYPE[kind])
        if not isinstance(kind, type):
            raise TypeError(f"nobody knows how {kind!r} is written")
        if issubclass(kind, Phrase):
            return self._plain(Phrase)
        if issubclass(kind, Enum):
            return _choice([one.value for one in kind])
        if issubclass(kind, BaseModel):
            return self._defined(kind.__name__, kind, lambda: self._model(kind))
        if is_dataclass(kind):
            return self._defined(kind.__name__, kind, lambda: self._dataclass(kind, {}))
        if is_typeddict(kind):
            return self._defined(kind.__name__, kind, lambda: self._dictionary(kind))
        if issubclass(kind, Mapping):
            return {"type": "object"}
        if issubclass(kind, list | tuple | set | frozenset):
            return {"type": "array"}
        return {"type": "string"}

    def _container(self, origin: Any, inside: tuple[Any, ...], given: Mapping[Any, Any] | None) -> Schema:
        if issubclass(origin, Mapping):
            return {"type": "object", "additionalProperties": self.schema(inside[1], given)}
        if origin is tuple and not (len(inside) == 2 and inside[1] is Ellipsis):
            parts = [self.schema(one, given) for one in inside]
            return {"type": "array", "prefixItems": parts, "minItems": len(parts), "maxItems": len(parts)}
        return {"type": "array", "items": self.schema(inside[0], given)}

    def _defined(self, name: str, kind: Any, make: Callable[[], Schema]) -> Schema:
        if self._kinds.setdefault(name, kind) != kind:
            raise TypeError(f"two classes are called {name}: {kind!r} and {self._kinds[name]!r}")
        if name not in self.definitions:
            self.definitions[name] = {}  # it may hold others of its own
            self.definitions[name] = make()
        return {"$ref": f"#/{DEFINITIONS}/{name}"}

    def _dataclass(self, kind: Any, given: Mapping[Any, Any]) -> Schema:
        hints = hints_of(kind)
        properties = {}
        for field in fields(kind):
            found = self.schema(hints[field.name], given)
            properties[camel(field.name)] = _time(hints[field.name]) if field.name.endswith(TIME) else found
        return _object(kind, properties)

    def _dictionary(self, kind: Any) -> Schema:
        """Keys of one that names them stay as they are, and some may be left out."""
        found = _object(kind, {name: self.schema(hint) for name, hint in hints_of(kind).items()})
        return found | {"required": sorted(kind.__required_keys__)}

    def _model(self, kind: type[BaseModel]) -> Schema:
        written = model_schema(kind)
        others, hints = written.pop(DEFINITIONS, {}), hints_of(kind)
        if "properties" not in written and kind.model_fields:  # it holds itself
            written = others[kind.__name__]
        properties = {}
        for name, field in kind.model_fields.items():
            if is_written_by_us(hints[name]):
                properties[key_of(name, field)] = self.schema(hints[name])
            else:
                own = written["properties"][field.serialization_alias or field.alias or name]
                properties[key_of(name, field)] = self._taken(own, others)
        return _object(kind, properties)

    def _taken(self, part: Any, others: Mapping[str, Schema]) -> Any:
        """Pydantic's own schema; what it refers to is taken over."""
        if isinstance(part, list):
            return [self._taken(one, others) for one in part]
        if not isinstance(part, dict):
            return part
        name = str(part.get("$ref", "")).removeprefix(f"#/{DEFINITIONS}/")
        if "enum" in others.get(name, ()):
            return _choice(others[name]["enum"])
        if name and name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] = self._taken(others[name], others)
        return {key: self._taken(one, others) for key, one in part.items()}


def _object(kind: type, properties: Mapping[str, Schema]) -> Schema:
    """No key is left out, and there is no other."""
    return {
        "type": "object",
        **_description(kind),
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _choice(values: list[str]) -> Schema:
    return {"type": "string", "enum": values}


def _time(hint: Any) -> Schema:
    """Whatever holds the seconds."""
    return _any_of([_TIME, {"type": "null"}]) if type(None) in get_args(hint) else dict(_TIME)


def _one(value: object) -> Schema:
    return {**_BY_TYPE[type(value)], "const": value}


def _any_of(parts: list[Schema]) -> Schema:
    """With each alternative once."""
    different = [part for place, part in enumerate(parts) if part not in parts[:place]]
    if len(different) == 1:
        return different[0]
    if all(set(part) == {"type"} for part in different):
        told = [part["type"] if isinstance(part["type"], list) else [part["type"]] for part in different]
        return {"type": list(dict.fromkeys(one for several in told for one in several))}
    if all(set(part) == {"type", "const"} and part["type"] == "string" for part in different):
        return _choice([part["const"] for part in different])
    return {"anyOf": different}


def _description(kind: type) -> dict[str, str]:
    """What the class says of itself, up to the first empty line."""
    own = kind.__dict__.get("__doc__") or ""
    said = " ".join(inspect.cleandoc(own).partition("\n\n")[0].split())
    if not said or said.startswith((f"{kind.__name__}(", "Attributes:")):
        return {}
    told = _ROLE.sub(r"`\1`", said).replace("``", "`")
    return {"description": re.sub(r"\bNone\b", "null", told)}
