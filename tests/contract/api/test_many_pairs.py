"""Ten thousand pairs of a person and a thing, no two the same, each judged by the rule of ``oracle_world``: in what the
store's queries find, in what the API lists, and, of some, in what it says when the thing is asked for by its name."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator

import pytest
from oracle_world import MINISTRIES, Pairs, Person, Size, World
from sqlalchemy import Connection

from bongsu.domain.labels import Grade, Label
from bongsu.domain.paging import WHOLE
from bongsu.domain.tenants import Tenant
from bongsu.store import datasets, models
from bongsu.store.database import Database
from bongsu.store.run_lists import page_of_runs
from bongsu.store.scope import Scope

# What can be shared of the things in it, its address, and what they are called there.
LISTS = (("", "/v1/runs", "id"), ("model", "/v1/models", "name"))
ALONE = 80
"""Pairs of which the thing is also asked for alone."""


@pytest.fixture(scope="module")
def world(small_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    size = Size(people=50, things=206, grants=0, shares=36, has_bytes=False)
    made = World(tmp_path_factory.mktemp("pairs"), size, small_database)
    yield made
    made.close()


def scope_of(person: Person) -> Scope:
    clearance = Label(grade=Grade(person.grade), compartments=person.compartments)
    return Scope(frozenset(Tenant(one) for one in MINISTRIES if person.looks_in(one)), clearance)


def in_the_store(connection: Connection) -> dict[str, list[str]]:
    """Names of what is found, by what is looked for; each ends with the number of its thing."""
    return {
        "runs": [one.id for one in page_of_runs(connection, WHOLE)],
        "models": [one.name for one in models.list_versions(connection)],
        "data sets": [one.name for one in datasets.list_dataset_versions(connection)],
    }


def numbers_of(names: Iterable[str]) -> set[int]:
    """Of the things with these names, none of which comes twice."""
    counted = Counter(int(name.rpartition("-")[2]) for name in names)
    assert max(counted.values(), default=1) == 1, counted
    return set(counted)


def test_the_store_finds_for_each_of_ten_thousand_pairs_what_the_rule_says(world: World) -> None:
    pairs = Pairs()
    for person in world.people:
        with world.platform.database.read(scope_of(person)) as connection:
            found = in_the_store(connection)
        for what, names in found.items():
            numbers = numbers_of(names)
            for thing in world.things:
                pairs.judge(person, thing, thing.number in numbers, person.finds(thing), what)
    pairs.are_enough(10_000)


def test_the_api_lists_for_each_of_ten_thousand_pairs_what_the_rule_says(world: World) -> None:
    pairs = Pairs()
    for person in world.people:
        for kind, path, key in LISTS:
            answer = world.ask(person.name, "GET", path, params={"limit": 500, "fields": key})
            assert answer.status_code == 200, answer.text
            assert not answer.json()["next"], "one page has them all"
            numbers = Counter(
                int((one.get("id") or one["name"]).rpartition("-")[2]) for one in answer.json()["items"]
            )
            assert max(numbers.values(), default=1) == 1, "nothing twice"
            for thing in world.things:
                expected = person.sees(thing, kind, world.shares)
                pairs.judge(person, thing, thing.number in numbers, expected, path)
    pairs.are_enough(10_000)


def test_a_thing_alone_is_there_for_whom_it_is_listed(world: World) -> None:
    chance, pairs = random.Random(5), Pairs()
    everything = [(person, thing) for person in world.people for thing in world.things]
    seen = [pair for pair in everything if pair[0].finds(pair[1])]
    for person, thing in (*chance.sample(everything, ALONE), *chance.sample(seen, ALONE // 2)):
        answer = world.ask(person.name, "GET", f"/v1/runs/{thing.run}")
        assert answer.status_code in (200, 404), answer.text
        pairs.judge(person, thing, answer.status_code == 200, person.finds(thing), "alone")
    pairs.are_enough(ALONE)
