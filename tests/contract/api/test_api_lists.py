"""Every list of the API comes by the page, filtered and in part: the routes of the application say which lists there
are, and a new one that lacks something fails here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from api_places import ApiPlace
from filled_places import FOREIGN, NOWHERE, SEVERAL, FilledPlace
from governed_places import ADMINISTRATION, DAY, OPEN, SECRET
from sqlalchemy import update

from bongsu.api.app import create_app
from bongsu.service.governance.suspending import StopRequest, suspend
from bongsu.service.grants.giving import Order, give
from bongsu.store.database import Database
from bongsu.store.schema_people import people

OF_A_LIST = {"limit", "cursor", "fields", "filter"}
NO_PAGES = {
    "POST /v1/people/{home}/{name}/secrets/{secret}/withdraw": "what a change left: two secrets hold at most",
}
WHOLE_DOCUMENTS = {
    "GET /healthz": "a probe reads the status",
    "GET /readyz": "a probe reads the status",
    "GET /v1/attempts/{run}/{stage}/{number}/inputs/{digest}": "a worker reads the one answer",
}
GIVEN = {"/v1/search": {"q": "a"}}
# Of a list that has to hold more than a page: so many.
FEWEST = 2


def operations(place: ApiPlace) -> Iterator[tuple[str, set[str], Mapping[str, Any]]]:
    """Method and path of every route that answers JSON, what it takes in its query, and the schema of its answer."""
    document = create_app(place.plane).openapi()
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation["responses"].get("200", operation["responses"].get("201", {})).get("content", {})
            if "application/json" in content:
                schema = content["application/json"]["schema"]
                schema = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
                taken = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
                yield f"{method.upper()} {path}", taken, schema


def is_page(schema: Mapping[str, Any]) -> bool:
    return set(schema.get("properties", ())) == {"items", "next"}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FilledPlace]:
    made = FilledPlace(tmp_path_factory.mktemp("lists"))
    yield made
    made.close()


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[FilledPlace]:
    made = FilledPlace(tmp_path, database)
    fill(made)
    yield made
    made.close()


def fill(place: FilledPlace) -> None:
    """Two of everything at least, one of them of another moment."""
    place.permit_use(days=100)
    place.now += 60
    place.run_of("kim", "another-run")
    place.permit_data(days=20, uses=[ADMINISTRATION], name="secret-law")
    for name in ("nap-army", "nap-both"):
        grant(place, name)
    suspend(place.platform, place.actor("acc"), StopRequest("mnd", "plain", 1, "It leaks"))


def grant(place: FilledPlace, name: str, giver: str = "mnd", receiver: str = "mnd") -> None:
    window = {"begins": place.now, "ends": place.now + 30 * DAY}
    order = Order(name, giver, receiver, programme="nap", accelerator="H100", gpu_hours=1.0, **window)
    give(place.of(giver), place.actor(SEVERAL if giver == "mnd" else FOREIGN), order)


def lists(place: FilledPlace) -> list[str]:
    """Paths of all lists, with names of what there is."""
    found = []
    for route, _taken, schema in operations(place):
        method, path = route.split()
        if method == "GET" and is_page(schema):
            found.append(re.sub(r"\{(\w+)\}", lambda name: place.known[name[1]][0], path))
    return found


def read(place: ApiPlace, path: str, person: str = SEVERAL, **query: Any) -> Any:
    response = place.ask(person, "GET", path, params={**GIVEN.get(path, {}), **query})
    assert response.status_code == 200, f"{path} {query}: {response.text}"
    return response.json()


def every(
    place: ApiPlace, path: str, limit: int = 500, person: str = SEVERAL, cursor: str = "", **query: Any
) -> list[Any]:
    """Items of all pages, or of those that begin at a cursor."""
    found = []
    while True:
        page = read(place, path, person, limit=limit, cursor=cursor, **query)
        assert len(page["items"]) <= limit
        found += page["items"]
        cursor = page["next"]
        if not cursor:
            return found


def test_every_list_takes_a_limit_a_cursor_fields_and_a_filter(filled: FilledPlace) -> None:
    lacking = {}
    for route, taken, schema in operations(filled):
        if route in NO_PAGES:
            continue
        if schema.get("type") == "array":
            lacking[route] = "it is given as a whole"
        elif is_page(schema) and OF_A_LIST - taken:
            lacking[route] = f"it takes no {', '.join(sorted(OF_A_LIST - taken))}"
    assert lacking == {}
    assert NO_PAGES.keys() <= {route for route, _taken, _schema in operations(filled)}


def test_every_document_can_be_asked_for_in_part(filled: FilledPlace) -> None:
    known = {route: taken for route, taken, _schema in operations(filled) if route.startswith("GET ")}
    assert [route for route, taken in known.items() if "fields" not in taken and route not in WHOLE_DOCUMENTS] == []
    assert WHOLE_DOCUMENTS.keys() <= known.keys()


ONE_OF = {"/v1/runs": ("run", "id,state"), "/v1/grants": ("grant", "id,state")}


@pytest.mark.parametrize("path", ONE_OF)
def test_what_can_be_asked_of_each_in_a_list_can_be_asked_of_one(place: FilledPlace, path: str) -> None:
    about, fields = ONE_OF[path]
    for listed in every(place, path, fields=fields):
        assert listed.keys() == set(fields.split(","))
        one = read(place, f"{path}/{listed['id']}", fields=fields)
        assert one == {about: listed}
    whole = read(place, f"{path}/{listed['id']}")
    assert read(place, f"{path}/{listed['id']}", fields=f"{about},id") == {about: whole[about]}
    refused = place.ask(SEVERAL, "GET", f"{path}/{listed['id']}", params={"fields": "nonsense"})
    assert (refused.status_code, refused.json()["code"]) == (400, "api.unknown-field")


CLOSED = {"state", "kind", "label", "clearance", "outcome", "useClass", "tier", "purpose"}


def test_a_value_that_a_field_never_has_is_refused_in_every_list(place: FilledPlace) -> None:
    tried = set()
    for path in lists(place):
        for field in CLOSED.intersection(known_fields(place, path)):
            params = {**GIVEN.get(path, {}), "filter": f'{field} = "nonsense"'}
            refused = place.ask(SEVERAL, "GET", path, params=params)
            told = refused.json()
            assert (refused.status_code, told.get("code")) == (400, "api.unknown-value"), f"{path} {field} {told}"
            assert told["detail"].startswith("It is one of: "), f"{path} {field}"
            tried.add(field)
    assert tried >= CLOSED - {"clearance", "kind"}, tried


def test_a_list_without_pages_is_noticed(filled: FilledPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(NO_PAGES, next(iter(NO_PAGES)))
    with pytest.raises(AssertionError, match="withdraw"):
        test_every_list_takes_a_limit_a_cursor_fields_and_a_filter(filled)


def test_one_by_one_is_the_same_as_all_at_once(place: FilledPlace) -> None:
    empty = set()
    for path in lists(place):
        every(place, path)  # that somebody reads the log stands in the log
        whole = every(place, path)
        assert every(place, path, limit=1) == whole, path
        assert every(place, path, limit=2) == whole, path
        if len(whole) < FEWEST:
            empty.add(path)
    # A run that nobody drove has one stage and no curve; nobody gave the service account a secret.
    run = place.known["run"][0]
    assert empty == {
        f"/v1/runs/{run}/stages",
        f"/v1/runs/{run}/events",
        f"/v1/runs/{run}/metrics",
        "/v1/access-permits",
        "/v1/ministries",
        "/v1/people/mnd/robot/secrets",
    }


def test_a_cursor_that_was_changed_or_is_of_another_list_is_refused(place: FilledPlace) -> None:
    known = {path: read(place, path, limit=1)["next"] for path in lists(place)}
    for path, own in known.items():
        others = [cursor for other, cursor in known.items() if cursor and other != path]
        for cursor in ("x", "W10", own and own[:-4], others[0]):
            if not cursor:
                continue
            params = {**GIVEN.get(path, {}), "limit": 1, "cursor": cursor}
            response = place.ask(SEVERAL, "GET", path, params=params)
            assert (response.status_code, response.json()["code"]) == (400, "api.bad-cursor"), path
        if own:
            params = {**GIVEN.get(path, {}), "cursor": own, "filter": "name = x"}
            assert place.ask(SEVERAL, "GET", path, params=params).status_code == 400, "of the list without a filter"


def known_fields(place: FilledPlace, path: str) -> list[str]:
    """As the error tells them."""
    params = {**GIVEN.get(path, {}), "filter": "nothing = x"}
    response = place.ask(SEVERAL, "GET", path, params=params)
    assert (response.status_code, response.json()["code"]) == (400, "api.unknown-field"), path
    return str(response.json()["problems"][0]["fix"]).removeprefix("There are: ").removesuffix(".").split(", ")


def told(item: Mapping[str, Any], field: str) -> Any:
    """What an item says of a field, where documents have it."""
    places = (item, item.get("binding") or {}, item.get("content") or {})
    return next((one[field] for one in places if field in one), item.get("tenant"))


def test_every_field_filters(place: FilledPlace) -> None:
    tried = set()
    for path in lists(place):
        whole = every(place, path)
        for field in known_fields(place, path):
            values = {told(one, field) for one in whole} - {None}
            for value in sorted(values)[:2]:
                is_time = isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value)
                # Documents tell times to the millisecond.
                holds, fails = (">=", "<") if is_time else ("=", "!=")
                found = every(place, path, limit=3, filter=f'{field} {holds} "{value}"')
                rest = every(place, path, filter=f'{field} {fails} "{value}"')
                assert [told(one, field) >= value if is_time else told(one, field) == value for one in found] == [
                    True
                ] * len(found), f"{path} {field}"
                assert found, f"{path} {field}"
                with_one = [one for one in whole if told(one, field) is not None]
                assert [one for one in whole if one in found or one in rest] == with_one, f"{path} {field}"
                assert not [one for one in found if one in rest], f"{path} {field}"
                tried.add((path, field))
    assert len(tried) > 60


def test_numbers_have_an_order_and_are_whole(place: FilledPlace) -> None:
    found = every(place, "/v1/models", filter='name = "axk1" AND version > 1')
    assert [(one["name"], one["version"]) for one in found] == [("axk1", 2)]
    assert every(place, "/v1/models", filter="version < 1") == []
    for text in ("version = one", "version = 1.5", f"version = {10**30}", 'version = ""'):
        refused = place.ask(SEVERAL, "GET", "/v1/models", params={"filter": text})
        assert (refused.status_code, refused.json()["code"]) == (400, "api.bad-filter"), text


@pytest.mark.parametrize(
    ("character", "told"),
    [("\0", (422, "api.bad-request")), ("\u200b", (400, "api.bad-filter")), ("\x1b", (422, "api.bad-request"))],
)
def test_what_nobody_sees_is_in_no_filter(place: FilledPlace, character: str, told: tuple[int, str]) -> None:
    """What is no text at all is told of any part of an address."""
    for path in lists(place):
        params = {**GIVEN.get(path, {}), "filter": f'name = "a{character}b"'}
        refused = place.ask(SEVERAL, "GET", path, params=params)
        assert (refused.status_code, refused.json()["code"]) == told, path


def test_the_state_of_a_grant_filters_as_it_is_told(place: FilledPlace) -> None:
    place.now += 40 * DAY
    grant(place, "young")
    states = {one["id"]: one["state"] for one in every(place, "/v1/grants")}
    assert states == {"nap-army": "ended", "nap-both": "ended", "nap-mnd": "ended", "young": "open"}
    for state in ("ended", "open", "closed", "not-begun"):
        found = every(place, "/v1/grants", limit=1, filter=f"state = {state}")
        assert [one["id"] for one in found] == [name for name in states if states[name] == state]


def test_what_comes_meanwhile_moves_nothing(place: FilledPlace) -> None:
    """Of lists that were given as a whole before: whatever was there at the begin comes once."""

    def add(number: int) -> None:
        place.now += 1
        place.permit_use(days=50 + number)
        place.permit_data(days=30 + number, name="secret-law")
        grant(place, f"nap-{number}")
        grant(place, f"a-{number}")
        place.register(f"m-{number}", 1)
        suspend(place.platform, place.actor("acc"), StopRequest("mnd", f"m-{number}", None, "It leaks"))

    numbers = count()
    for _ in range(3):
        add(next(numbers))
    for path in ("/v1/uses", "/v1/data-permits", "/v1/grants", "/v1/suspensions"):
        before = [one["id"] for one in every(place, path)]
        page = read(place, path, limit=2)
        seen = page["items"]
        for _ in range(3):
            add(next(numbers))
            page = read(place, path, limit=1, cursor=page["next"])
            seen += page["items"]
        seen += every(place, path, cursor=page["next"])
        ids = [one["id"] for one in seen]
        assert [one for one in ids if one in before] == before, path
        assert len(set(ids)) == len(ids), path


def test_another_ministry_is_in_no_page_no_cursor_and_no_filter(place: FilledPlace) -> None:
    own = {path: [str(one) for one in every(place, path)] for path in lists(place) if "/mnd" not in path}
    for path, theirs in own.items():
        if "/runs/" in path or path in FOR_ALL:
            continue
        for person in (FOREIGN, NOWHERE):
            asked = [place.ask(person, "GET", path, params={**GIVEN.get(path, {}), "limit": 1})]
            cursor = read(place, path, limit=1)["next"]
            if cursor:
                params = {**GIVEN.get(path, {}), "limit": 500, "cursor": cursor}
                asked.append(place.ask(person, "GET", path, params=params))
            if "ministry" in known_fields(place, path):
                params = {**GIVEN.get(path, {}), "filter": "ministry = mnd"}
                asked.append(place.ask(person, "GET", path, params=params))
            for response in asked:
                assert response.status_code == 200, response.text
                shown = [one for one in response.json()["items"] if not is_for_both(one)]
                assert [one for one in shown if str(one) in theirs] == [], (person, path)


# Rules and stages are those of the platform; that a ministry takes part is known to who may share with it (ADR 24).
FOR_ALL = ("/v1/policy/rules", "/v1/stages", "/v1/ministries/receivers")


def is_for_both(item: Mapping[str, Any]) -> bool:
    """What MND shares with the army, and the permit for it."""
    return bool(item.get("shared")) or {"mnd", "army"} == {item.get("giver"), item.get("ministry")}


def test_what_the_asker_may_not_see_leaves_no_gap(place: FilledPlace) -> None:
    for version in range(3, 7):
        place.register("axk1", version, label=SECRET)
        place.now += 1
        suspend(place.platform, place.actor("acc"), StopRequest("mnd", "axk1", version, "It leaks"))
    with place.platform.write() as connection:
        connection.execute(update(people).where(people.c.id == SEVERAL).values(clearance=str(OPEN)))
    found = every(place, "/v1/suspensions", limit=1)
    assert [one["name"] for one in found] == ["plain"]
    assert every(place, "/v1/data-permits", limit=1, filter="name = secret-law") == []


def test_a_graph_in_part_has_only_that(place: FilledPlace) -> None:
    path = "/v1/ministries/mnd/lineage"
    whole = read(place, path, of="plain@1")
    assert read(place, path, of="plain@1", fields="start") == {"start": whole["start"]}
    assert read(place, path, of="plain@1", fields="nodes, edges") == {
        "nodes": whole["nodes"],
        "edges": whole["edges"],
    }
    refused = place.ask(SEVERAL, "GET", path, params={"of": "plain@1", "fields": "colour"})
    assert (refused.status_code, refused.json()["code"]) == (400, "api.unknown-field")


def test_the_nearest_names_come_first_however_many_there_are(place: FilledPlace) -> None:
    for number in range(5):
        place.now += 1
        place.register(f"light-axk1-{number}", 1)
        place.register(f"AXK1-light-{number}".lower(), 1)
    found = [one["name"] for one in every(place, "/v1/search", limit=2, q="axk1", kind="model")]
    assert found[:2] == ["axk1/1", "axk1/2"]
    assert found[2:7] == [f"axk1-light-{number}/1" for number in (4, 3, 2, 1, 0)]
    assert found[7:] == [f"light-axk1-{number}/1" for number in (4, 3, 2, 1, 0)]
