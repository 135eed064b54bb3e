"""Every route, asked by those for whom a thing does not exist: the answer is that for a thing that never was, to the
byte, headers and size included. A route that is new is asked as well, because routes, and what their bodies need, are
taken from the application itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from filled_places import FOREIGN, NOWHERE, SERVICE, SEVERAL, UNCLEARED, FilledPlace

from bongsu.api.asking import ANYBODY, SIGNED_IN, WORKER, doors
from bongsu.domain.signed_notes import SigningKey
from bongsu.service.browsers.settings import SESSION_PATH

# By the names in addresses: what is the army's business no more than that of whoever is cleared for nothing.
FOREIGN_THINGS = ("run", "digest", "use", "permit", "proposal", "grant", "name", "model", "dataset")
UNCLEARED_THINGS = ("run", "digest", "proposal", "model", "dataset")
DECIDED_BY_PEOPLE = {
    "approvals.decide",
    "uses.register",
    "permits.give",
    "grants.give",
    "grants.adjust",
    "labels.propose",
    "audit.witness",
    "models.import",
    "people.manage",
    "ministries.manage",
}
REQUEST = "the-same-number"


@dataclass(frozen=True)
class Asked:
    """One method of one route, and a body that fits."""

    method: str
    path: str
    permission: str
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FilledPlace]:
    made = FilledPlace(tmp_path_factory.mktemp("filled"))
    yield made
    made.close()


def every_route(place: FilledPlace) -> list[Asked]:
    document = place.app.openapi()
    found = []
    for door in doors(place.app):
        for method in sorted(door.methods):
            if door.permission is None:
                continue  # the document itself
            path = door.path.replace(":path}", "}")
            operation = document["paths"][path][method.lower()]
            content = operation.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema")
            body = None if schema is None else fitting(whole(schema, document))
            needed = {
                one["name"] for one in operation.get("parameters", ()) if one["in"] == "query" and one["required"]
            }
            query = {name: QUERY[name] for name in needed} | OF_PATHS.get(path.rpartition("/")[2], {})
            found.append(Asked(method, path, door.permission, body, query))
    return found


QUERY = {
    "of": "axk1@1",
    "q": "axk1",
    "title": "files",
    "since": "2026-01-01T00:00:00Z",
    "until": "2026-02-01T00:00:00Z",
    "old": "1",
    "kind": "promotion",
    "object": "model:carried-out/1",
    "target": "production",
    "key": str(SigningKey("bongsu/mnd", bytes(32)).public()),
}
# By the end of the path.
OF_PATHS = {"bundle": {"target": "army"}}


def whole(schema: Any, document: Any) -> Any:
    """Without references."""
    if isinstance(schema, list):
        return [whole(one, document) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return whole(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    return {key: whole(value, document) for key, value in schema.items()}


def fitting(schema: Any) -> Any:
    """A body of a schema, with what it must have."""
    if "enum" in schema or "const" in schema:
        return schema.get("const", next(iter(schema.get("enum", ())), None))
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return fitting(schema[several][0])
    if schema["type"] == "object":
        names = {*schema.get("required", ()), *({"reason"} & set(schema["properties"]))}
        return {name: fitting(schema["properties"][name]) for name in sorted(names)}
    if schema["type"] == "array":
        return [fitting(schema["items"])]
    if schema["type"] == "string":
        if "sha256" in schema.get("pattern", ""):
            return ("artifact:" if "artifact:" in schema["pattern"] else "") + "sha256-" + "0" * 64
        return {"date-time": "2023-12-01T00:00:00Z", None: "text"}[schema.get("format")]
    return {"integer": 1, "number": 1.0, "boolean": True}[schema["type"]]


def in_mnd(body: Any) -> Any:
    """A body that is about the ministry and somebody of it."""
    if not isinstance(body, dict):
        return body
    of_mnd = {"ministry": "mnd", "giver": "mnd", "id": "mnd/somebody", "clearance": "O"}
    found = {
        key: in_mnd(value) if isinstance(value, dict) else of_mnd.get(key, value) for key, value in body.items()
    }
    if "operator" in found:
        found |= {"name": "dapa", "operator": found["operator"] | {"id": "dapa/somebody"}}
    return found


def absent(value: str) -> str:
    """What could be the name of another thing of the kind, just as long."""
    if value.startswith("sha256-"):
        return "sha256-" + "0" * 64
    head, dash, tail = value.rpartition("-")
    return head + dash + "z" * len(tail)


def ask(place: FilledPlace, token: str | None, asked: Asked, values: dict[str, str]) -> tuple[int, str, Any]:
    """Status, body and headers."""
    path = asked.path.format(**values)
    headers = {"X-Request-Id": REQUEST, "Accept-Language": "en"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    rest = {} if asked.body is None else {"json": asked.body}
    response = place.http.request(asked.method, path, headers=headers, params=asked.query, **rest)
    return response.status_code, response.text, sorted(response.headers.items())


def said_of(answer: tuple[int, str, Any], value: str, never: str) -> tuple[int, str, Any]:
    status, text, headers = answer
    return status, text.replace(value, never), headers


def compared(place: FilledPlace, token: str, asked: Asked, name: str, values: dict[str, str]) -> str:
    """What tells that the thing is there; empty if nothing does."""
    value, never = values[name], absent(values[name])
    there = ask(place, token, asked, values)
    nowhere = ask(place, token, asked, values | {name: never})
    if there[0] not in (403, 404, 422) or said_of(there, value, never) != said_of(nowhere, value, never):
        return f"{asked} {name}={value}: {there} but {nowhere}"
    return ""


def known(place: FilledPlace, asked: Asked, number: int) -> dict[str, str]:
    """Values for the names of an address: a name that this does not know has to be added to the place."""
    names = [part[1:-1] for part in asked.path.split("/") if part.startswith("{")]
    acts = {"roles": "give", "secondments": "send", "reclaim": "apply"}
    found = {
        name: acts[asked.path.split("/")[-2]]
        if name == "act"
        else place.known[name][number % len(place.known[name])]
        for name in names
    }
    if "ministry" in found:
        found["ministry"] = "mnd"
    if "permit" in found:
        found["permit"] = next(
            one for one in place.known["permit"] if f"/{one.partition('-')[0]}-permits" in asked.path
        )
    return found


@pytest.mark.parametrize(("person", "things"), [(FOREIGN, FOREIGN_THINGS), (UNCLEARED, UNCLEARED_THINGS)])
def test_what_is_not_there_for_somebody_answers_as_what_never_was(
    place: FilledPlace, person: str, things: tuple[str, ...]
) -> None:
    told, compared_ = [], 0
    for asked in every_route(place):
        for number in range(2):
            values = known(place, asked, number)
            for name in set(things) & set(values):
                compared_ += 1
                told.append(compared(place, person, asked, name, values))
    assert [one for one in told if one] == []
    assert compared_ > 30


@pytest.mark.parametrize("person", [FOREIGN, NOWHERE])
def test_a_ministry_in_which_one_is_nothing_answers_as_one_that_there_is_not(
    place: FilledPlace, person: str
) -> None:
    routes = [one for one in every_route(place) if "{ministry}" in one.path]
    told = [compared(place, person, asked, "ministry", known(place, asked, 0)) for asked in routes]
    assert [one for one in told if one] == []
    assert len(routes) > 10


def test_a_worker_is_told_nothing_of_what_is_behind_other_doors(place: FilledPlace) -> None:
    told = []
    for asked in every_route(place):
        if asked.permission in (ANYBODY, WORKER):
            continue
        values = known(place, asked, 0)
        if not values:
            assert ask(place, place.worker, asked, values)[0] == 403
        # A letter may stand anywhere in the answer.
        told += [compared(place, place.worker, asked, name, values) for name in values if len(values[name]) > 1]
    assert [one for one in told if one] == []


def test_nobody_is_told_the_same_everywhere(place: FilledPlace) -> None:
    answers = {
        (status, text, str(headers))
        for asked in every_route(place)
        if asked.permission != ANYBODY
        for token in (None, "nonsense")
        for number in range(2)
        for status, text, headers in [ask(place, token, asked, known(place, asked, number))]
    }
    assert {status for status, _text, _headers in answers} == {401}
    assert len(answers) == 1, "one answer, whatever the route, whatever there is"


def test_who_is_nothing_anywhere_finds_empty_lists_and_no_thing(place: FilledPlace) -> None:
    for asked in every_route(place):
        if asked.permission in (ANYBODY, SIGNED_IN, WORKER):
            continue
        status, text, _headers = ask(place, NOWHERE, asked, known(place, asked, 0))
        assert status in (200, 403, 404, 422), f"{asked}: {status}"
        for word in ("axk1", "secret", "army-model", "stopped", "plain", place.known["grant"][0]):
            named = str(asked.body) + str(asked.query) + str(known(place, asked, 0))
            assert word not in text or word in named, f"{asked}: {text}"


def test_no_service_account_decides_what_people_decide(place: FilledPlace) -> None:
    decisions = [one for one in every_route(place) if one.permission in DECIDED_BY_PEOPLE]
    for asked in decisions:
        body = in_mnd(asked.body)
        found = Asked(asked.method, asked.path, asked.permission, body, asked.query)
        status, text, _headers = ask(place, SERVICE, found, known(place, found, 0))
        # A note that cannot be read is told before anything is looked at.
        assert status == 403 or "body.checkpoint" in text, f"{asked}: {text}"
    assert len(decisions) > 12


def test_whoever_may_everything_finds_what_is_there(place: FilledPlace) -> None:
    """Otherwise the comparisons above would compare one nothing with another."""
    missed = [
        f"{asked}: {answer}"
        for asked in every_route(place)
        if asked.method == "GET" and asked.permission != WORKER and "/files/" not in asked.path
        # Nobody signs in to this place with a browser.
        if not asked.path.startswith(SESSION_PATH)
        for answer in [ask(place, SEVERAL, asked, known(place, asked, 0))]
        if answer[0] != 200
    ]
    assert missed == []
