"""Bodies of requests that are the arguments of a use case: read as documents are written, and described as such."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, TypeVar, get_type_hints

from fastapi import Depends, Request
from pydantic import TypeAdapter

from bongsu.api.answers import bad_body
from bongsu.domain.documents import TIME, camel
from bongsu.domain.read_documents import Unlike, read

T = TypeVar("T")


def body_of(kind: type[T], **given: Callable[[Request], Any]) -> Any:
    """A dependency that reads the body as a dataclass ``kind``: keys in camelCase, times as ISO 8601 writes them.

    Args:
        kind: of the arguments.
        given: fields that the address says, and not the body.
    """

    async def found(request: Request) -> T:
        try:
            document = await request.json()
        except ValueError as error:
            raise bad_body("body", str(error)) from None
        if not isinstance(document, dict):
            raise bad_body("body", "it is no object")
        known = {camel(field.name) for field in fields(kind) if field.name not in given}  # type: ignore[arg-type]
        unknown = sorted(set(document) - known)
        if unknown:
            raise bad_body(f"body.{unknown[0]}", f"there is no such key; there are {', '.join(sorted(known))}")
        told = {camel(name): say(request) for name, say in given.items()}
        try:
            return read(kind, document | told)
        except Unlike as error:
            raise bad_body("body", " ".join(str(error).split())) from None

    return Depends(found)


def described(kind: type[Any], *given: str) -> dict[str, Any]:
    """What OpenAPI says of such a body."""
    hints = get_type_hints(kind)
    properties, required = {}, []
    for field in fields(kind):
        if field.name in given:
            continue
        name = camel(field.name)
        is_time = field.name.endswith(TIME)
        properties[name] = {"type": "string", "format": "date-time"} if is_time else _schema(hints[field.name])
        if field.default is MISSING and field.default_factory is MISSING:
            required.append(name)
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _schema(hint: Any) -> dict[str, Any]:
    """With whatever it refers to in its place: a reference would begin at the root of the whole document."""
    found = TypeAdapter(hint).json_schema()
    definitions = found.pop("$defs", {})

    def whole(part: Any) -> Any:
        if isinstance(part, list):
            return [whole(one) for one in part]
        if not isinstance(part, dict):
            return part
        reference = part.get("$ref", "")
        rest = {key: whole(value) for key, value in part.items() if key != "$ref"}
        return whole(definitions[reference.removeprefix("#/$defs/")]) | rest if reference else rest

    return dict(whole(found))
