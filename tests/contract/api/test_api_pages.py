"""Lists by the page: each item once and in order whatever happens meanwhile, and no more is read than is given."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_places import ApiPlace
from governed_places import SECRET, SENSITIVE
from shared_places import DATA, MODEL, SharedPlace
from sqlalchemy import update
from store_places import NOW

from bongsu.domain.labels import OPEN
from bongsu.domain.people import Role
from bongsu.service.governance.proposing import propose
from bongsu.store.database import Database
from bongsu.store.schema_governance import proposals
from bongsu.store.schema_people import ministries, people

LISTS = {
    "kim": ("/v1/runs", "/v1/models", "/v1/datasets"),
    "ann": ("/v1/approvals",),
    "aud": ("/v1/ministries", "/v1/ministries/mnd/people", "/v1/ministries/mnd/audit/entries"),
}


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[SharedPlace]:
    made = SharedPlace(tmp_path, database)
    made.permit_use()
    yield made
    made.close()


def pages(place: ApiPlace, person: str, path: str, limit: int, **query: str) -> Iterator[list[dict[str, Any]]]:
    cursor = ""
    while True:
        response = place.ask(person, "GET", path, params={**query, "limit": limit, "cursor": cursor})
        assert response.status_code == 200, response.text
        page = response.json()
        yield page["items"]
        cursor = page["next"]
        if not cursor:
            return


def forged(cursor: str, *key: Any) -> str:
    """A cursor of the same list with another key."""
    asked, *_key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return base64.urlsafe_b64encode(json.dumps([asked, *key]).encode()).decode().rstrip("=")


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_versions_of_ones_own_and_of_others_come_in_one_order(place: SharedPlace, limit: int) -> None:
    for version in (1, 2, 10):
        place.register("able", version, ministry="army")
    place.register("axk-2", ministry="army")
    with place.platform.write() as connection:
        connection.execute(ministries.insert().values(name="navy", title_ko="n", title_en="n", created_at=NOW))
    place.add_role("army-eng", "navy", Role.ENGINEER)
    place.register("able", ministry="navy")
    for object_ in (MODEL, DATA):
        place.share(object_)
    found = list(pages(place, "army-eng", "/v1/models", limit))
    assert all(len(page) <= limit for page in found)
    assert [(one["ministry"], one["name"], one["version"]) for page in found for one in page] == [
        ("army", "able", 10),
        ("army", "able", 2),
        ("army", "able", 1),
        ("army", "axk-2", 1),
        ("mnd", "axk1", 1),
        ("navy", "able", 1),
    ]
    named = [one for page in pages(place, "army-eng", "/v1/models", limit, name="able") for one in page]
    assert [one["version"] for one in named] == [10, 2, 1, 1]
    sets = [one for page in pages(place, "army-eng", "/v1/datasets", limit) for one in page]
    assert [(one["ministry"], one["name"]) for one in sets] == [("mnd", "law")]


def test_a_page_of_versions_reads_and_records_no_more_than_it_gives(place: SharedPlace) -> None:
    place.register("b-open", 1)
    place.register("c-secret", 1, label=SECRET)
    place.register("d-open", 1)
    first = place.ask("kim", "GET", "/v1/models", params={"limit": 2}).json()
    assert [one["name"] for one in first["items"]] == ["axk1", "b-open"]
    assert "list.read" not in [action for _actor, action, _entry in place.log()], "nothing above O was given"
    with place.asked() as statements:
        rest = place.ask("kim", "GET", "/v1/models", params={"limit": 2, "cursor": first["next"]}).json()
    assert [one["name"] for one in rest["items"]] == ["c-secret", "d-open"]
    (read,) = [one for one in statements if "FROM model_versions" in one and "metrics" in one]
    assert " LIMIT " in read
    (entry,) = [json.loads(entry) for _actor, action, entry in place.log() if action == "list.read"]
    assert (entry["object"], entry["label"]) == ("list:models", "C")


def test_proposals_come_once_each_while_others_are_made_and_decided(place: SharedPlace) -> None:
    made = []
    for number in range(1, 6):
        place.register("m", number)
        place.now += number % 2  # some are of the same moment
        made.append(propose(place.as_("lee"), place.actor("lee"), place.wish(f"model:m/{number}")).id)
    seen: list[str] = []
    for page in pages(place, "ann", "/v1/approvals", 2, state="proposed"):
        seen += [one["id"] for one in page]
        place.register("late", len(seen))
        place.now += 1
        propose(place.as_("lee"), place.actor("lee"), place.wish(f"model:late/{len(seen)}"))
        with place.platform.write() as connection:
            connection.execute(update(proposals).where(proposals.c.id == seen[0]).values(state="withdrawn"))
    assert sorted(seen) == sorted(made)
    assert len(seen) == len(made)


def test_proposals_that_somebody_may_not_see_leave_no_gap(place: SharedPlace) -> None:
    for number, label in enumerate((OPEN, SECRET, SECRET, SENSITIVE, OPEN), 1):
        place.register("m", number, label=label)
        place.now += 1
        propose(place.as_("lee"), place.actor("lee"), place.wish(f"model:m/{number}"))
    with place.platform.write() as connection:
        connection.execute(update(people).where(people.c.id == "ann").values(clearance=str(OPEN)))
    found = [[one["binding"]["object"] for one in page] for page in pages(place, "ann", "/v1/approvals", 1)]
    assert found == [["model:m/5"], ["model:m/1"]]


@pytest.mark.parametrize("key", [(1,), ("x",), (None,), ([],), ({},), (True,), (1.5, 2), (1, "a"), ("a", "b", "c")])
def test_a_key_of_another_type_is_no_cursor(place: SharedPlace, key: tuple[Any, ...]) -> None:
    refused = 0
    for person, path, cursor in cursors(place):
        response = place.ask(person, "GET", path, params={"limit": 1, "cursor": forged(cursor, *key)})
        told = (response.status_code, response.json().get("code"))
        refused += told == (400, "api.bad-cursor")
        assert told in ((400, "api.bad-cursor"), (200, None)), path
    assert refused >= 4


@pytest.mark.parametrize(
    "odd",
    [float("nan"), float("inf"), -float("inf"), 1 << 64, 10**300, 10**400, -(1 << 70), "\0", "\ud800"],
    ids=lambda odd: repr(odd)[:12],
)
def test_a_key_that_no_database_takes_is_no_cursor(place: SharedPlace, odd: Any) -> None:
    for person, path, cursor in cursors(place):
        _asked, *key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        for position, part in enumerate(key):
            if isinstance(part, str) is isinstance(odd, str):
                changed = [*key[:position], odd, *key[position + 1 :]]
                params = {"limit": 1, "cursor": forged(cursor, *changed)}
                response = place.ask(person, "GET", path, params=params)
                assert (response.status_code, response.json()["code"]) == (400, "api.bad-cursor"), path


def cursors(place: SharedPlace) -> Iterator[tuple[str, str, str]]:
    """Who reads, what, and the cursor of its second page: of every list."""
    for ministry in ("mnd", "army"):
        place.add_role("aud", ministry, Role.OPERATOR)
    for number in (2, 3):
        place.register("axk1", number)
        place.add_dataset("law", place.tree(f"law {number}"))
        propose(place.as_("lee"), place.actor("lee"), place.wish(f"model:axk1/{number}"))
        place.run_of("kim", f"r-{number}")
    for person, paths in LISTS.items():
        for path in paths:
            response = place.ask(person, "GET", path, params={"limit": 1})
            assert response.status_code == 200, response.text
            assert response.json()["next"], path
            yield person, path, response.json()["next"]
