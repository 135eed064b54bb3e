"""Requests that schemathesis makes of the document, to a server with something of every kind: whoever asks gets what
the document says, and never an error of ours."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from zlib import crc32

import pytest
import schemathesis
from filled_places import FOREIGN, NOWHERE, SERVICE, SEVERAL, UNCLEARED, FilledPlace
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bongsu.api.app import described_app

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
DOCUMENT = schemathesis.openapi.from_dict(described_app().openapi())
# A parameter that nobody knows is passed over, as HTTP has it.
DOCUMENT.config.generation.update(allow_extra_parameters=False)
KNOWN: dict[str, list[str]] = {}
LAUNCH = {"kind": "promotion", "object": "model:carried-out/1", "target": "production"}
QUERIES = {"/v1/ministries/{ministry}/launch-check": LAUNCH}
QUERIES |= {"/v1/search": {"q": "axk1"}, "/v1/ministries/{ministry}/audit/consistency": {"old": "1"}}
QUERIES |= {"/v1/ministries/{ministry}/models/{model}/{version}/bundle": {"target": "army"}}
QUERIES |= {f"/v1/ministries/{{ministry}}/{name}": {"of": "axk1@1"} for name in ("labels", "lineage")}
ANSWERED: defaultdict[str, set[int]] = defaultdict(set)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FilledPlace]:
    made = FilledPlace(tmp_path_factory.mktemp("filled"))
    KNOWN.update(made.known)
    yield made
    made.close()


@schemathesis.serializer("application/x-tar")
def _as_archive(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else repr(value).encode()


@DOCUMENT.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> Any:
    """Three times of four they name things that there are."""
    number = crc32(repr(path_parameters).encode())
    if not path_parameters or number % 4 == 0:
        return path_parameters
    known = {name: KNOWN[name] for name in path_parameters if name in KNOWN}
    if context.operation.path.endswith("/close"):
        known = {}  # nobody would be anything afterwards
    return path_parameters | {name: values[number // 4 % len(values)] for name, values in known.items()}


@DOCUMENT.hook
def map_query(_context: Any, query: dict[str, Any] | None) -> Any:
    return query if not query or "of" not in query else query | {"of": "axk1@1"}


def test_what_there_is_is_read(place: FilledPlace) -> None:
    """Once by each address, as it is: what is made up depends on chance."""
    for found in DOCUMENT.get_all_operations():
        operation = found.ok()
        if operation.method != "get":
            continue
        given = {name: KNOWN[name][0] for name in re.findall(r"{(\w+)}", operation.path)}
        case = operation.Case(path_parameters=given, query=QUERIES.get(operation.path, {}))
        response = case.call(app=place.app, headers={"Authorization": f"Bearer {SEVERAL}"})
        ANSWERED[operation.label].add(response.status_code)
        case.validate_response(response, checks=CHECKS)


@DOCUMENT.parametrize()
@settings(max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_answers_are_as_the_document_says(case: Any, place: FilledPlace) -> None:
    others = (UNCLEARED, FOREIGN, SERVICE, NOWHERE, place.worker, None)
    number = crc32(repr((case.path_parameters, case.query, case.body)).encode())
    # Of a parameter that comes twice one is taken; a body is read strictly.
    checks = [*CHECKS, negative_data_rejection] if case.operation.body else CHECKS
    for person in (SEVERAL, others[number % len(others)]):
        headers = {} if person is None else {"Authorization": f"Bearer {person}"}
        response = case.call(app=place.app, headers=headers)
        ANSWERED[case.operation.label].add(response.status_code)
        case.validate_response(response, checks=checks)


def test_what_was_read_was_there(request: pytest.FixtureRequest) -> None:
    """Requests that all fail would prove little. Of a selection of the tests of this file nothing is said."""
    operations = {found.ok().label for found in DOCUMENT.get_all_operations()}
    own = [item.name for item in request.session.items if item.path == request.path]
    made = [name for name in own if name.startswith("test_answers_are_as_the_document_says[")]
    if len(made) < len(operations) or "test_what_there_is_is_read" not in own:
        pytest.skip("only some of the requests were selected")
    assert set(ANSWERED) == operations
    unread = {label for label, statuses in ANSWERED.items() if label.startswith("GET") and 200 not in statuses}
    # Nobody signs in to this place with a browser.
    sessions = {"GET /v1/session", "GET /v1/session/callback", "GET /v1/session/login"}
    assert unread == {"GET /v1/attempts/{run}/{stage}/{number}/inputs/{digest}"} | sessions
