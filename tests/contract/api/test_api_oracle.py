"""What the API shows to whom, by every way in, against the rule of ``oracle_world``."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from oracle_world import FILES_FOR, MINISTRIES, ROLES, Person, Size, Thing, World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("oracle"), Size(people=48, things=44, grants=8, shares=60))
    yield made
    made.close()


def everything(world: World, person: Person, path: str, limit: int = 7) -> list[Any]:
    """Items of all pages."""
    found, cursor = [], ""
    while True:
        joint = "&" if "?" in path else "?"
        response = world.ask(person.name, "GET", f"{path}{joint}limit={limit}&cursor={cursor}")
        assert response.status_code == 200, response.text
        found += response.json()["items"]
        cursor = response.json()["next"]
        if not cursor:
            return found


def of_list(path: str, key: Callable[[Any], str]) -> Callable[[World, Person], list[str]]:
    return lambda world, person: [key(one) for one in everything(world, person, path)]


LISTS: dict[str, tuple[Callable[[World, Person], list[str]], str]] = {
    "runs": (lambda world, person: [one["id"] for one in everything(world, person, "/v1/runs")], "r-{:012d}"),
    "models": (lambda world, person: [one["name"] for one in everything(world, person, "/v1/models")], "model-{}"),
    "data sets": (
        lambda world, person: [one["name"] for one in everything(world, person, "/v1/datasets")],
        "data-{}",
    ),
    "data permits": (of_list("/v1/data-permits", lambda one: one["id"]), "permit-{}"),
    "proposals": (lambda world, person: [one["id"] for one in everything(world, person, "/v1/approvals")], "p-{}"),
    "search of runs": (
        of_list("/v1/search?q=run-&kind=run", lambda one: one["name"]),
        "r-{:012d}",
    ),
    "search of models": (
        of_list("/v1/search?q=model-&kind=model", lambda one: one["name"].partition("/")[0]),
        "model-{}",
    ),
    "search of data": (
        of_list("/v1/search?q=data-&kind=dataset", lambda one: one["name"].partition("/")[0]),
        "data-{}",
    ),
}


@pytest.mark.parametrize("what", LISTS)
def test_lists_have_what_the_rule_says_and_nothing_else(world: World, what: str) -> None:
    look, form = LISTS[what]
    kind = {"model-{}": "model", "data-{}": "dataset"}.get(form, "")
    for person in world.people:
        expected = Counter(
            form.format(thing.number) for thing in world.things if person.sees(thing, kind, world.shares)
        )
        assert Counter(look(world, person)) == expected, person


def test_artifacts_are_found_by_those_who_may_have_files(world: World) -> None:
    for person in world.people:
        found = everything(world, person, "/v1/search?q=sha256-&kind=artifact")
        digests = {one["name"] for one in found}
        expected = {
            t.digest for t in world.things if person.clears(t) and person.roles.get(t.ministry, set()) & FILES_FOR
        }
        assert digests == expected, person


def test_things_of_both_sides_are_there_for_both(world: World) -> None:
    for person in world.people:
        shown = {one["id"] for one in everything(world, person, "/v1/grants")}
        expected = {name for name, parties in world.parties.items() if any(map(person.looks_in, parties))}
        assert shown == expected, person
        for name in world.parties:
            status = world.ask(person.name, "GET", f"/v1/grants/{name}").status_code
            mine = any(person.roles.get(one) for one in world.parties[name])
            assert status == (200 if name in expected else 403 if mine else 404), (person, name)
        uses = {one["ministry"] for one in everything(world, person, "/v1/uses")}
        assert uses == {one for one in MINISTRIES if person.looks_in(one)}


def test_counts_are_of_what_is_there(world: World) -> None:
    for person in world.people:
        shown = world.ask(person.name, "GET", "/v1/labels").json()["inUse"]
        counted = Counter({(one["ministry"], one["kind"], one["label"]): one["count"] for one in shown})
        expected = Counter(
            (thing.ministry, kind, str(thing.label))
            for thing in world.things
            if person.finds(thing)
            for kind in ("model", "dataset")
        )
        assert counted == expected, person
        loads = world.ask(person.name, "GET", "/v1/capacity").json()["ministries"]
        may_look = {one for one, roles in person.roles.items() if roles}
        assert {one["ministry"] for one in loads} == {
            thing.ministry for thing in world.things if thing.ministry in may_look and person.clears(thing)
        }, person


WAYS: dict[str, tuple[str, Callable[[Person, Thing], int]]] = {
    "run": ("/v1/runs/{0.run}", Person.status_of_run),
    "plan": ("/v1/runs/{0.run}/plan", Person.status_of_run),
    "lineage of a run": ("/v1/runs/{0.run}/lineage", Person.status_of_run),
    "events": ("/v1/runs/{0.run}/events", Person.status_of_run),
    "logs": ("/v1/runs/{0.run}/logs", Person.status_of_logs),
    "artifact": ("/v1/ministries/{0.ministry}/artifacts/{0.digest}", Person.status_of_files),
    "label": ("/v1/ministries/{0.ministry}/labels?of=model-{0.number}@1", Person.status_of_model),
    "label of data": ("/v1/ministries/{0.ministry}/labels?of=datasets:/data-{0.number}/1", Person.status_of_model),
    "lineage": ("/v1/ministries/{0.ministry}/lineage?of=model-{0.number}@1", Person.status_of_model),
    "lineage of bytes": ("/v1/ministries/{0.ministry}/lineage?of={0.digest}", Person.status_of_model),
    "proposal": ("/v1/ministries/{0.ministry}/approvals/p-{0.number}", Person.status_of_proposal),
}


SHARED_WAYS: dict[str, tuple[str, set[str]]] = {
    "label": ("labels?of={0.address}", set(ROLES) - {"operator"}),
    "lineage": ("lineage?of={0.address}", set(ROLES) - {"operator"}),
    "artifact": ("artifacts/{0.thing.digest}", FILES_FOR),
    "bytes": ("artifacts/{0.thing.digest}/files/file.txt", FILES_FOR),
}


@pytest.mark.parametrize("way", SHARED_WAYS)
def test_what_is_shared_is_there_or_not_as_the_rule_says(world: World, way: str) -> None:
    path, roles = SHARED_WAYS[way]
    seen = Counter[int]()
    # Bytes that are shared as a model are there for who may not have them as data.
    held = {(one.thing, one.ministry) for one in world.shares if one.holds}
    held_objects = {(one.object, one.ministry) for one in world.shares if one.holds}
    for number, share in enumerate(world.shares):
        is_bytes = way in ("artifact", "bytes")
        holds = (
            (share.thing, share.ministry) in held if is_bytes else (share.object, share.ministry) in held_objects
        )
        for person in world.people[number % 3 :: 3]:
            answer = world.ask(person.name, "GET", f"/v1/ministries/{share.ministry}/{path.format(share)}")
            expected = person.status_of_shared(replace(share, holds=holds), roles)
            seen[expected] += 1
            assert answer.status_code == expected, (person, share, answer.text)
    assert set(seen) == {200, 403, 404}


@pytest.mark.parametrize("way", WAYS)
def test_one_thing_is_there_or_not_as_the_rule_says(world: World, way: str) -> None:
    path, rule = WAYS[way]
    chance = random.Random(way)
    pairs = [(person, thing) for person in world.people for thing in world.things]
    seen = Counter[int]()
    for person, thing in chance.sample(pairs, 160):
        answer = world.ask(person.name, "GET", path.format(thing))
        expected = rule(person, thing)
        seen[expected] += 1
        assert answer.status_code == expected, (person, thing, answer.text)
        if expected == 404:
            never = Thing(999_999, thing.ministry, "O", frozenset(), "sha256-" + "0" * 64)
            nowhere = world.ask(person.name, "GET", path.format(never))
            said = answer.text.replace(thing.run, never.run).replace(thing.digest, never.digest)
            assert nowhere.status_code == 404
            assert nowhere.json()["code"] == answer.json()["code"], said
    assert len(seen) >= 2
