"""Answers of the API held to what its document says of them, whichever test asks."""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from typing import Any

from httpx import Response
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from bongsu.api.app import described_app

_JSON = "application/json"


def hold_to_the_document(response: Response) -> None:
    """For a client of the API (``event_hooks``). Where ``fields`` is not given, every key has to be there.

    Raises:
        AssertionError: the document says something else of such an answer.
    """
    if response.is_error or response.headers.get("content-type") != _JSON:
        return
    response.read()
    request = response.request
    operation = _operation(request.method.lower(), request.url.path)
    if operation is None:
        return
    content = operation["responses"][str(response.status_code)]["content"]
    schema = json.dumps(content[_JSON]["schema"])
    validator = _validator(schema, in_part=bool(request.url.params.get("fields")))
    fault = best_match(validator.iter_errors(response.json()))
    assert fault is None, f"{request.method} {request.url}: {fault.message} at {fault.json_path}"


@cache
def _document() -> dict[str, Any]:
    return described_app().openapi()


@cache
def _addresses() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    """Those with fewer parameters first: they are meant where both fit."""
    paths = sorted(_document()["paths"], key=lambda path: (path.count("{"), path))
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), _document()["paths"][path]) for path in paths]


def _operation(method: str, path: str) -> dict[str, Any] | None:
    for pattern, operations in _addresses():
        if method in operations and pattern.fullmatch(path):
            return dict(operations[method])
    return None


@cache
def _validator(schema: str, in_part: bool) -> Draft202012Validator:
    components = copy.deepcopy(_document()["components"])
    for name, component in components["schemas"].items():
        if name.startswith("PartOf") and not in_part:
            component["required"] = list(component["properties"])
    whole = {**json.loads(schema), "components": components}
    return Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
