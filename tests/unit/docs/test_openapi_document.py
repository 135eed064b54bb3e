"""The document of the API: current, valid, and with an answer for whatever can go wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import schemathesis

from bongsu.api import openapi, problems
from bongsu.api.app import described_app

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
