"""The document of the API: current, valid, and with an answer for whatever can go wrong."""

from __future__ import annotations

import json
from dataclasses import make_dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from bongsu.api import openapi, problems
from bongsu.api.app import described_app
from bongsu.api.asking import for_signed_in

COMMITTED = Path(__file__).parents[3] / "docs" / "schema" / "openapi.json"
DOCUMENT: dict[str, Any] = described_app().openapi()


def test_committed_document_is_current() -> None:
    assert COMMITTED.read_text() == openapi.text(), f"run: python -m bongsu.api.openapi > {COMMITTED}"


def test_it_is_openapi_3_1() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(json.loads(openapi.text())).validate()


def test_every_reference_leads_somewhere() -> None:
    def references(part: Any) -> set[str]:
        if isinstance(part, dict):
            own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
            return own.union(*map(references, part.values()))
        return set().union(*map(references, part)) if isinstance(part, list) else set()

    for reference in references(DOCUMENT):
        found = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
    assert len(references(DOCUMENT)) > 20


def test_every_operation_says_who_may_ask_and_how_errors_look() -> None:
    for path in DOCUMENT["paths"].values():
        for operation in path.values():
            assert operation["x-permission"]
            assert all(set(one) <= {"bearer"} for one in operation["security"])
            refused = {status for status in operation["responses"] if status >= "400"}
            assert {"431", "500"} <= refused
            assert (operation["x-permission"] == "anybody") or {"401", "403", "404", "422", "429"} <= refused
    assert "HTTPValidationError" not in DOCUMENT["components"]["schemas"]


def test_every_status_that_a_code_can_have_is_described() -> None:
    statuses = {*problems._STATUS.values(), *problems._OTHER_STATUS.values()} - {405}
    assert statuses <= set(openapi._SAID)


def unsaid(document: dict[str, Any]) -> list[str]:
    """Answers in JSON of which the document does not say what they hold."""
    return [
        f"{method} {path} {status}"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        for status, told in operation["responses"].items()
        if told.get("content", {}).get("application/json", {"schema": True})["schema"] == {}
    ]


def test_every_json_route_says_what_it_answers() -> None:
    assert unsaid(DOCUMENT) == []


def test_a_json_route_that_says_nothing_is_noticed() -> None:
    router = APIRouter()

    @router.get("/v1/silent", **for_signed_in())
    def silent() -> Response:
        raise NotImplementedError

    assert unsaid(described_app(routers=[router]).openapi()) == ["get /v1/silent 200"]


def test_what_states_a_document_and_gives_none_is_refused() -> None:
    router = APIRouter()

    @router.get("/v1/loud", response_class=HTMLResponse, **for_signed_in(gives=list[str]))
    def loud() -> Response:
        raise NotImplementedError

    with pytest.raises(TypeError, match=r"loud.* gives no JSON"):
        described_app(routers=[router]).openapi()


def test_two_classes_of_one_name_are_noticed() -> None:
    router = APIRouter()
    other = make_dataclass("PersonDocument", [("x", int)])

    @router.get("/v1/other", **for_signed_in(gives=other))
    def silent() -> Response:
        raise NotImplementedError

    with pytest.raises(TypeError, match="two things are called PersonDocument"):
        described_app(routers=[router]).openapi()


def test_what_fields_are_asked_of_is_promised_without_any_key() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    for path in DOCUMENT["paths"].values():
        for operation in path.values():
            with_fields = any(one["name"] == "fields" for one in operation.get("parameters", ()))
            told = json.dumps(operation["responses"].get("200", {}))
            assert with_fields == ("schemas/PartOf" in told), operation["operationId"]
    parts = {name for name in schemas if name.startswith("PartOf")}
    assert parts
    assert not any("required" in schemas[name] for name in parts)
