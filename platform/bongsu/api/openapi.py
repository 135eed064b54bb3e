"""What the API says of itself, as OpenAPI 3.1 has it: FastAPI's document, with the errors that any request may get.

``docs/schema/openapi.json`` is made from the code (``python -m bongsu.api.openapi > docs/schema/openapi.json``; a test
compares).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.responses import Response

from bongsu.api.asking import ANYBODY, STATED
from bongsu.api.response_models import GIVEN, PLACE, Components, reached
from bongsu.domain.problem_documents import PROBLEM_NAME, PROBLEM_SCHEMA

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_JSON = "application/json"
_PROBLEM = "application/problem+json"
_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
_SAID = {
    400: ("BadRequest", "A cursor, a filter, a field or a ministry that cannot be meant."),
    401: ("NotSignedIn", "No token, or none that holds."),
    403: ("Forbidden", "The asker sees the thing, and may not do this to it; the answer says who may."),
    404: ("Unknown", "There is no such thing for the asker."),
    408: ("TooSlow", "The body did not come."),
    409: ("Conflict", "It cannot be done in the state that things are in."),
    412: ("Precondition", "It was asked for under a condition that is not compared here."),
    413: ("TooLarge", "The body is larger than this route takes."),
    422: ("Unfit", "What was sent does not fit, or a rule is against it."),
    429: (
        "TooMany",
        "More requests, or more refused ones, than one asker may make; `Retry-After` says when there is room.",
    ),
    431: ("HeadTooLarge", "Address and headers are larger than the server takes."),
    500: ("Broken", "A fault of the server, or of what it keeps; its log has more under the request's number."),
    503: ("Lacking", "Something that the server needs does not answer or is not set up."),
}
_ALWAYS = (431, 500)
_ASKED = (400, 401, 403, 404, 409, 422, 429, 503)
_WITH_BODY = (408, 412, 413)
_DOCUMENT = {
    "type": "object",
    "description": "An error (RFC 9457): the gravest of what is wrong, and all of it under `problems`.",
    "required": ["type", "title", "status", "detail", "instance", "code", "exitCode", "problems"],
    "additionalProperties": False,
    "properties": {
        "type": {"type": "string", "pattern": "^urn:bongsu:problem:"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string", "pattern": "^urn:bongsu:request:"},
        "code": {"type": "string"},
        "exitCode": {"type": "integer", "description": "With which the command line ends for this error."},
        "problems": {"type": "array", "minItems": 1, "items": {"$ref": f"#/components/schemas/{PROBLEM_NAME}"}},
    },
}


def as_well(*media_types: str, status: int = 200) -> dict[str, Any]:
    """For a route: ``@router.get("/logs", **as_well("application/x-ndjson"))``, that it answers in these forms too."""
    content = {one: {"schema": {} if one == _JSON else {"type": "string"}} for one in media_types}
    return {"responses": {status: {"description": "Successful Response", "content": content}}}


def only_as(media_type: str) -> dict[str, Any]:
    """For a route: that it answers in this form alone."""
    return as_well(media_type) | {"response_class": Response}


def as_page(*statuses: int) -> dict[str, Any]:
    """For a route that a browser asks: it answers with a page, or sends the browser on; so are its errors, with these
    statuses, unless a program asks for them as JSON."""
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    page = {"text/html": {"schema": {"type": "string"}}}
    errors = {one: {"description": _SAID[one][1], "content": page | {_PROBLEM: problem}} for one in statuses}
    onward = {303: {"description": "The browser goes on to another page."}}
    return (
        as_well("text/html")
        | {"response_class": Response}
        | {"responses": {200: {"description": "Successful Response", "content": page}} | onward | errors}
    )


class DescribedApp(FastAPI):
    """An application whose document says what it answers, errors included."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = completed(super().openapi())
        return self.openapi_schema


def completed(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document of FastAPI's, with who may ask, and with what is answered if something is wrong."""
    made = copy.deepcopy(dict(document))
    components = made.setdefault("components", {})
    schemas = {name: one for name, one in components.get("schemas", {}).items() if name in _bodies(made)}
    given = Components({**schemas, "Problem": _DOCUMENT, PROBLEM_NAME: PROBLEM_SCHEMA})
    components["responses"] = {name: _error(said) for name, said in _SAID.values()}
    components["securitySchemes"] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token of an identity provider that the server trusts; workers have their own.",
        }
    }
    for method, operation in _operations(made):
        answers = {status: one for status, one in operation["responses"].items() if status != "422"}
        if method == "get" and _JSON in answers["200"].get("content", ()):
            answers["304"] = {"description": "It is as `If-None-Match` says."}
        # What a route says of itself stands.
        answers = {str(status): _at(status) for status in _statuses(operation)} | answers
        operation["responses"] = dict(sorted(answers.items()))
        if GIVEN in operation:
            given.describe(operation, operation.pop(GIVEN))
    components["schemas"] = dict(sorted(given.schemas.items()))
    return {"openapi": made.pop("openapi"), "jsonSchemaDialect": DIALECT} | made


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in document["paths"].values():
        yield from ((method, operation) for method, operation in path.items() if method in _METHODS)


def _bodies(document: Mapping[str, Any]) -> set[str]:
    """Names of what requests refer to. FastAPI has more: its own form of errors, which nobody gets here, and classes
    that are described otherwise."""
    known = document.get("components", {}).get("schemas", {})
    asked = [
        part
        for _method, operation in _operations(document)
        for name, part in operation.items()
        if name != "responses"
    ]
    return set(reached(asked, known, PLACE))


def _statuses(operation: Mapping[str, Any]) -> Iterator[int]:
    yield from _ALWAYS
    if operation.get(STATED) != ANYBODY:
        yield from _ASKED
    elif "parameters" in operation:
        yield from (400, 422)
    if "requestBody" in operation:
        yield from _WITH_BODY


def _at(status: int) -> dict[str, str]:
    return {"$ref": f"#/components/responses/{_SAID[status][0]}"}


def _error(said: str) -> dict[str, Any]:
    return {"description": said, "content": {_PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def text() -> str:
    """The document of the API, as it is committed."""
    from bongsu.api.app import described_app

    return json.dumps(described_app().openapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(text(), end="")
