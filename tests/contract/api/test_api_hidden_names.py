"""Names in bodies, and permits of things that one may not see: what is above a clearance answers as what never was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_places import ApiPlace
from governed_places import DAY, OPEN, SENSITIVE, STAFF

from bongsu.domain.documents import iso_time
from bongsu.domain.people import Role
from bongsu.service.governance.suspending import StopRequest, suspend


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiPlace]:
    made = ApiPlace(tmp_path)
    for person, role in (("low-dc", Role.DATA_CUSTODIAN), ("low-acc", Role.ACCREDITOR)):
        made.add_person(person, "mnd", role, OPEN)
        monkeypatch.setitem(STAFF, person, ("mnd", role))
    made.permit_use()
    made.permit_data()
    made.add_dataset("war", made.tree("war"), SENSITIVE)
    made.register("hidden", 1, label=SENSITIVE)
    made.register("plain", 1)
    suspend(made.platform, made.actor("acc"), StopRequest("mnd", "hidden", 1, "It leaks"))
    yield made
    made.close()


def told(answer: Any, name: str) -> tuple[int, str]:
    return answer.status_code, answer.text.replace(name, "NAME").replace(answer.headers["x-request-id"], "")


def data_permit(place: ApiPlace, name: str) -> dict[str, Any]:
    times = {"beginsAt": iso_time(place.now), "endsAt": iso_time(place.now + DAY)}
    named = {"ministry": "mnd", "name": name, "version": 1, "useClasses": ["administration"], **times}
    return {**named, "card": "https://example.org/card", "reason": "It is needed"}


def shared(place: ApiPlace, name: str) -> dict[str, Any]:
    times = {"beginsAt": iso_time(place.now), "endsAt": iso_time(place.now + DAY)}
    what = {"object": f"dataset:{name}/1", "giver": "mnd", "ministry": "army", "purpose": "administration"}
    return {**what, **times, "reason": "They asked"}


@pytest.mark.parametrize(("person", "is_seen"), [("low-dc", False), ("dc", True)])
def test_a_data_set_that_one_may_not_see_is_permitted_and_shared_as_one_that_there_is_not(
    place: ApiPlace, person: str, is_seen: bool
) -> None:
    for path, body in (("/v1/data-permits", data_permit), ("/v1/access-permits", shared)):
        hidden, absent = (
            told(place.ask(person, "POST", path, json=body(place, name)), name) for name in ("war", "wax")
        )
        assert absent[0] == 404
        assert (hidden == absent) is not is_seen, hidden


def test_a_permit_of_what_one_may_not_see_is_ended_as_one_that_there_is_not(place: ApiPlace) -> None:
    for kind, body in (("data-permits", data_permit), ("access-permits", shared)):
        permit = place.ask("dc", "POST", f"/v1/{kind}", json=body(place, "war")).json()["id"]

        def ended(person: str, one: str, kind: str = kind) -> tuple[int, str]:
            path = f"/v1/ministries/mnd/{kind}/{one}/revoke"
            return told(place.ask(person, "POST", path, json={"reason": "No longer"}), one)

        answer = ended("low-dc", permit)
        assert answer == ended("low-dc", permit[:-4] + "zzzz")
        assert (answer[0], "no-such" in answer[1]) == (404, True)
        assert ended("dc", permit)[0] == 200, "whoever sees it ends it"


def test_a_suspension_of_what_one_may_not_see_is_lifted_as_one_of_what_there_is_not(place: ApiPlace) -> None:
    def lifted(person: str, name: str) -> tuple[int, str]:
        body = {"ministry": "mnd", "name": name, "version": 1, "reason": "It was mended"}
        return told(place.ask(person, "POST", "/v1/suspensions/lift", json=body), name)

    assert lifted("low-acc", "hidden") == lifted("low-acc", "absent")
    assert lifted("low-acc", "absent")[0] == 404
    assert "model.not-suspended" in lifted("low-acc", "plain")[1]
    assert lifted("acc", "hidden")[0] in (200, 201)
