"""What routes answer, in the document of the API: each states a type, of which the schema is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from bongsu.domain.document_schemas import DEFINITIONS, Schema, model_schema, schema_of

GIVEN = "x-given"
"""Where a route keeps the schema of its answer until the document is completed."""
_ABOUT = "x-about"
_JSON = "application/json"
_OWN = f"#/{DEFINITIONS}/"
PLACE = "#/components/schemas/"
_PART = "PartOf"


def given(kind: Any, about: str = "") -> dict[str, Any]:
    """Of a type that :func:`bongsu.domain.documents.plain` writes; nothing for None.

    Args:
        kind: of the answer.
        about: key of the document within it of which it may be given in part, too.
    """
    return {} if kind is None else {GIVEN: schema_of(kind) | ({_ABOUT: about} if about else {})}


def given_as_model(kind: type[BaseModel]) -> dict[str, Any]:
    """Of a model that pydantic writes by itself."""
    found = model_schema(kind)
    definitions = found.pop(DEFINITIONS, {})
    return {GIVEN: {"$ref": _OWN + kind.__name__, DEFINITIONS: {**definitions, kind.__name__: found}}}


class Components:
    """The schemas of the document, to which those of answers are added.

    Attributes:
        schemas: by name.
    """

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self.schemas = dict(schemas)

    def describe(self, operation: Mapping[str, Any], schema: Schema) -> None:
        """Say in each answer of a route that is JSON what it holds. Raises TypeError if none is."""
        definitions = schema.get(DEFINITIONS, {})
        shown = {key: one for key, one in schema.items() if key not in (DEFINITIONS, _ABOUT)}
        if any(one["name"] == "fields" for one in operation.get("parameters", ())):
            shown, definitions = _in_part(shown, definitions, schema.get(_ABOUT, ""))
        contents = [one.get("content", {}) for one in operation["responses"].values()]
        places = [content[_JSON] for content in contents if _JSON in content]
        if not places:
            raise TypeError(f"{operation['operationId']} states what it gives, and gives no JSON")
        for name in reached(shown, definitions, _OWN):
            self._add(name, _referring(definitions[name]))
        for place in places:
            place["schema"] = _referring(shown)

    def _add(self, name: str, schema: Schema) -> None:
        if self.schemas.setdefault(name, schema) != schema:
            raise TypeError(f"two things are called {name} in the document of the API")


def reached(part: Any, schemas: Mapping[str, Schema], place: str) -> dict[str, None]:
    """Names of what is referred to, there and in what is referred to.

    Args:
        part: of a document.
        schemas: by name.
        place: what stands before the name in a reference.
    """
    found: dict[str, None] = {}
    open_parts = [part]
    while open_parts:
        one = open_parts.pop()
        if isinstance(one, dict):
            name = _name(one, place)
            if name and name not in found:
                found[name] = None
                open_parts.append(schemas[name])
        open_parts += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
    return found


def _name(part: Mapping[str, Any], place: str = _OWN) -> str:
    """Of what it refers to; empty if it is no reference."""
    reference = part.get("$ref")
    is_one = isinstance(reference, str) and reference.startswith(place)
    return str(reference).removeprefix(place) if is_one else ""


def _referring(part: Any) -> Any:
    """With references to the components."""
    if isinstance(part, list):
        return list(map(_referring, part))
    if not isinstance(part, dict):
        return part
    found = {key: _referring(one) for key, one in part.items()}
    return found | {"$ref": PLACE + _name(part)} if _name(part) else found


def _in_part(
    schema: Schema, definitions: Mapping[str, Schema], about: str = ""
) -> tuple[Schema, Mapping[str, Schema]]:
    """Of a document, each in a list or in a page's ``items``: without the promise of any key, as
    :func:`bongsu.api.answers.only` leaves it."""
    name = _name(schema)
    if name:
        part = {key: one for key, one in definitions[name].items() if key != "required"}
        of = f"`{name}`"
        if about:
            inner, definitions = _in_part(part["properties"][about], definitions)
            part["properties"] = {**part["properties"], about: inner}
            of = f"`{name}` and of its `{about}`"
        part["description"] = f"Those keys of {of} that `fields` names; all of them if it names none."
        return {"$ref": f"{_OWN}{_PART}{name}"}, {**definitions, f"{_PART}{name}": part}
    if schema.get("type") == "array":
        items, definitions = _in_part(schema["items"], definitions)
        return {**schema, "items": items}, definitions
    properties = schema.get("properties", {})
    if set(properties) != {"items", "next"}:
        raise TypeError("what `fields` takes keys of has to be a class, a list or a page of one")
    items, definitions = _in_part(properties["items"], definitions)
    return {**schema, "properties": {**properties, "items": items}}, definitions
