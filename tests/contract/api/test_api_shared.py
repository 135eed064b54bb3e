"""What a ministry shares is there for the people of another one while the permit holds, and then it is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from governed_places import ADMINISTRATION, DAY, SENSITIVE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shared_places import DATA, MODEL, SharedPlace
from sqlalchemy import delete

from bongsu.domain.pipeline import Input
from bongsu.domain.uses import UseClass
from bongsu.service.inputs.file_roots import Files
from bongsu.service.inputs.resolving import resolve_input
from bongsu.store.database import Database
from bongsu.store.schema_governance import access_permits

LAW, AXK1 = "datasets://mnd/law/1", "models://mnd/axk1/1"
READER = "army-eng"
OBJECTS = {DATA: LAW, MODEL: AXK1}


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[SharedPlace]:
    made = SharedPlace(tmp_path, database, SENSITIVE)
    yield made
    made.close()


@pytest.fixture(scope="module")
def one_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedPlace]:
    made = SharedPlace(tmp_path_factory.mktemp("shared"))
    yield made
    made.close()


def paths(place: SharedPlace) -> list[str]:
    """Every way to what may be shared, for its receiver."""
    here = "/v1/ministries/army"
    return [
        "/v1/models",
        "/v1/datasets",
        "/v1/models?name=axk1&ministry=mnd",
        "/v1/datasets?name=law&ministry=army",
        "/v1/search?q=law",
        "/v1/search?q=axk1&kind=model",
        *(f"{here}/{what}?of={address}" for what in ("labels", "lineage") for address in (LAW, AXK1)),
        *(f"{here}/lineage?direction={way}&of={AXK1}" for way in ("upstream", "downstream")),
        *(
            f"{here}/artifacts/{digest}{file}"
            for digest in (place.law, place.model)
            for file in ("", "/files/file.txt")
        ),
    ]


def answers(place: SharedPlace, person: str = READER) -> list[tuple[int, str]]:
    headers = {"X-Request-Id": "one-number"}
    found = [place.ask(person, "GET", path, headers=headers) for path in paths(place)]
    return [(one.status_code, one.text) for one in found]


def shown(place: SharedPlace, path: str, person: str = READER) -> Any:
    response = place.ask(person, "GET", path)
    assert response.status_code == 200, response.text
    return response.json()


def reads(place: SharedPlace) -> set[tuple[str, str]]:
    """Action and object of what the army's reader read, as MND's log has it."""
    log = [(who, json.loads(entry)) for who, _did, entry in place.log("mnd")]
    return {(entry["action"], entry["object"]) for who, entry in log if who == READER}


def test_lists_and_searches_say_whose_it_is_what_for_and_until_when(place: SharedPlace) -> None:
    for object_ in OBJECTS:
        place.share(object_, days=30)
    until = shown(place, "/v1/access-permits")["items"][0]["endsAt"]
    sharing = [{"giver": "mnd", "ministry": "army", "purpose": "administration", "endsAt": until}]
    for kind, name in (("models", "axk1"), ("datasets", "law")):
        (one,) = shown(place, f"/v1/{kind}")["items"]
        assert (one["name"], one["ministry"], one["shared"]) == (name, "mnd", sharing)
        (found,) = shown(place, f"/v1/search?q={name}")["items"]
        assert (found["name"], found["ministry"], found["shared"]) == (f"{name}/1", "mnd", sharing)
        assert [own["shared"] for own in shown(place, f"/v1/{kind}", "kim")["items"]] == [[]]
    assert {("list.read", "list:models"), ("list.read", "list:datasets")} <= reads(place)


def test_bytes_are_found_by_themselves_however_much_is_shared(place: SharedPlace) -> None:
    """Not by looking at all that is shared, one version after another."""
    found = {}
    for number in range(1, 13):
        place.add_dataset(f"more{number}", tree := place.tree(f"more {number}"))
        place.permit_data(name=f"more{number}")
        place.share(f"dataset:more{number}/1")
        with place.asked() as statements:
            shown(place, f"/v1/ministries/army/artifacts/{tree}")
            unknown = f"/v1/ministries/army/artifacts/sha256-{number:064x}"
            assert place.ask(READER, "GET", unknown).status_code == 404
        found[number] = len(statements)
    assert found[12] == found[2]
    assert place.ask(READER, "GET", f"/v1/ministries/army/artifacts/{place.model}").status_code == 404, "not shared"


@pytest.mark.parametrize("path", ["/v1/models", "/v1/datasets", "/v1/search?q=m"])
def test_lists_ask_the_same_however_much_is_shared(place: SharedPlace, path: str) -> None:
    found = {}
    for number in range(1, 9):
        place.add_dataset(f"more{number}", place.tree(f"more {number}"))
        place.permit_data(name=f"more{number}")
        place.share(f"dataset:more{number}/1")
        place.register(name=f"more{number}")
        place.share(f"model:more{number}/1")
        with place.asked() as statements:
            items = shown(place, path)["items"]
        found[number] = len(statements)
    assert len(items) >= 8
    assert found[8] <= max(found[1], found[2])


def test_what_the_giver_made_it_of_is_not_told(place: SharedPlace) -> None:
    place.share(MODEL)
    (model,) = shown(place, "/v1/models")["items"]
    assert (model["runId"], model["stageId"], model["aliases"], model["link"]) == ("", "", [], "")
    graph = shown(place, f"/v1/ministries/army/lineage?of={AXK1}")
    assert [node["title"] for node in graph["nodes"]] == [AXK1]
    assert graph["edges"] == []
    assert graph["nodes"][0]["body"]["ministry"] == "mnd"
    label = shown(place, f"/v1/ministries/army/labels?of={AXK1}")
    assert (label["label"], label["title"]) == ("S", AXK1)
    details = shown(place, f"/v1/ministries/army/artifacts/{place.model}")
    assert (details["runId"], details["title"], details["shared"][0]["giver"]) == (None, AXK1, "mnd")
    assert ("model.read", "model:axk1/1") in reads(place)
    assert place.ask(READER, "GET", f"/v1/ministries/army/artifacts/{place.law}").status_code == 404


def test_bytes_are_read_from_the_giver_and_the_giver_knows(place: SharedPlace) -> None:
    place.share()
    response = place.ask(READER, "GET", f"/v1/ministries/army/artifacts/{place.law}/files/file.txt")
    assert (response.status_code, response.text) == (200, "law")
    assert ("dataset.read", "dataset:law/1") in reads(place)


@pytest.mark.parametrize("end", ["revoked", "ended"])
def test_after_its_end_every_answer_is_as_before_it(place: SharedPlace, end: str) -> None:
    before = answers(place)
    permits = [place.share(object_) for object_ in OBJECTS]
    assert all(one != other for one, other in zip(answers(place), before, strict=True))
    for permit in permits if end == "revoked" else ():
        place.revoke(permit)
    if end == "ended":
        place.now += 30 * DAY
    assert answers(place) == before


def test_another_ministry_and_who_is_nothing_there_find_nothing_by_it(place: SharedPlace) -> None:
    before = {person: answers(place, person) for person in ("kim",)}
    place.share(MODEL)
    assert {person: answers(place, person) for person in before} == before


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    permits=st.lists(
        st.tuples(
            st.sampled_from(sorted(OBJECTS)),
            st.sampled_from(list(UseClass)),
            st.sampled_from(("ended", "revoked", "not begun", "another purpose")),
        ),
        max_size=4,
    )
)
def test_permits_that_do_not_hold_answer_as_those_that_never_were(
    one_place: SharedPlace, permits: list[tuple[str, UseClass, str]]
) -> None:
    place = one_place
    with place.platform.write() as connection:
        connection.execute(delete(access_permits))
    begin, nothing = place.now, (answers(place), refusals(place))
    for number, (object_, use, why) in enumerate(permits):
        days = 1 + number / 1000
        if why == "another purpose":
            if use is not ADMINISTRATION:
                place.share(object_, use, days)
        elif why == "not begun":
            place.share(object_, use, days, begins=begin + 10 * DAY)
        else:
            permit = place.share(object_, use, days)
            if why == "revoked":
                place.revoke(permit)
    place.now = begin + 5 * DAY
    assert (answers(place), refusals(place)) == nothing
    place.now = begin


def refusals(place: SharedPlace) -> list[str]:
    """What a run of administration is told of each address."""
    told = []
    for object_, address in OBJECTS.items():
        source = Input(model=address) if object_ == MODEL else Input(dataset=address)
        with pytest.raises(Exception) as caught:
            resolve_input(place.army(), "it", source, Files(place.folder), purpose=ADMINISTRATION)
        told.append(str(caught.value))
    return told
