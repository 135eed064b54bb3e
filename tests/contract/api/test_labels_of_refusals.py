"""What is refused stands in the log under the label of what was named, as far as it exists for who named it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_places import PIPELINE, ApiPlace
from governed_places import DAY, OPEN, SENSITIVE, STAFF
from service_places import drive

from bongsu.domain.documents import iso_time
from bongsu.domain.people import Role
from bongsu.service.governance.suspending import StopRequest, suspend
from bongsu.store.database import Database

LOW = {
    "low-eng": Role.ENGINEER,
    "low-acc": Role.ACCREDITOR,
    "low-aud": Role.AUDITOR,
    "low-dc": Role.DATA_CUSTODIAN,
}


@pytest.fixture
def place(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiPlace]:
    """A model, a data set and a run that only the cleared may see; ``law`` is open."""
    made = ApiPlace(tmp_path, database)
    for person, role in LOW.items():
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


def promotion(place: ApiPlace, object_: str) -> dict[str, Any]:
    what = {"ministry": "mnd", "kind": "promotion", "object": object_, "target": "production"}
    return {**what, "reason": "It is needed", "evidenceEndsAt": iso_time(place.now + DAY)}


def labels_of_refusals(place: ApiPlace, ministry: str = "mnd") -> list[tuple[str, str]]:
    entries = [json.loads(entry) for _actor, _action, entry in place.log(ministry)]
    return [(one["action"], one["label"]) for one in entries if one["outcome"] == "refused"]


def ended(place: ApiPlace, run: str) -> str:
    place.ask("kim", "POST", f"/v1/runs/{run}/cancel")
    drive(place.platform, [run])
    return run


def test_what_one_may_see_and_is_refused_carries_its_label(place: ApiPlace) -> None:
    assert place.ask("kim", "POST", "/v1/approvals", json=promotion(place, "model:hidden/1")).status_code == 403
    raising = {"of": "hidden/1", "grade": "S", "reason": " "}
    assert place.ask("dc", "POST", "/v1/ministries/mnd/labels", json=raising).status_code == 422
    run = ended(place, place.run_of("kim", "secret", SENSITIVE))
    assert place.ask("kim", "POST", f"/v1/runs/{run}/cancel").status_code == 409
    assert place.ask("kim", "POST", f"/v1/runs/{run[:9]}/cancel").status_code == 409
    lift = {"ministry": "mnd", "name": "hidden", "version": 1, "reason": "It was mended"}
    assert place.ask("kim", "POST", "/v1/suspensions/lift", json=lift | {"reason": ""}).status_code == 422
    assert labels_of_refusals(place) == [
        ("approval.propose", "S"),
        ("label.raise", "S"),
        ("run.cancel", "S"),
        ("run.cancel", "S"),
        ("approval.propose", "S"),
    ]
    listed = place.ask("low-aud", "GET", "/v1/ministries/mnd/audit/entries", params={"limit": 500}).text
    assert "hidden" not in listed
    assert run not in listed


def test_what_is_hidden_from_who_names_it_is_told_as_what_there_is_not(place: ApiPlace) -> None:
    for name in ("hidden", "absent"):
        told = place.ask("low-eng", "POST", "/v1/approvals", json=promotion(place, f"model:{name}/1"))
        assert told.status_code == 404
        lift = {"ministry": "mnd", "name": name, "version": 1, "reason": "It was mended"}
        assert place.ask("low-acc", "POST", "/v1/suspensions/lift", json=lift).status_code == 404
        assert place.ask("army-acc", "POST", "/v1/suspensions", json=lift).status_code in (403, 404)
    run = place.run_of("kim", "secret", SENSITIVE)
    assert place.ask("low-eng", "POST", f"/v1/runs/{run}/cancel").status_code == 404
    assert {label for _action, label in labels_of_refusals(place)} == {"O"}
    assert {label for _action, label in labels_of_refusals(place, "army")} == {"O"}


def test_what_a_pipeline_states_of_itself_is_the_least_that_its_refusal_carries(place: ApiPlace) -> None:
    text = PIPELINE.replace("administration", "logistics-resupply").replace(
        "spec:\n", "spec:\n  classification: S\n"
    )
    assert place.ask("kim", "POST", "/v1/runs", json={"text": text}).status_code == 403
    assert place.ask("low-eng", "POST", "/v1/runs", json={"text": text}).status_code in (403, 404)
    assert labels_of_refusals(place) == [("run.submit", "S"), ("run.submit", "S")]


def test_a_data_set_above_ones_clearance_is_refused_under_the_label_that_was_stated(place: ApiPlace) -> None:
    body = {"name": "plans", "uri": f"artifact:{place.law}", "grade": "S"}
    assert place.ask("low-dc", "POST", "/v1/ministries/mnd/datasets", json=body).status_code == 403
    assert labels_of_refusals(place) == [("dataset.add", "S")]


def test_a_proposal_that_may_be_seen_is_refused_under_its_objects_label(place: ApiPlace) -> None:
    place.register("good", 1, label=SENSITIVE)
    proposal = place.ask("kim", "POST", "/v1/approvals", json=promotion(place, "model:good/1")).json()
    decision = {"digest": proposal["digest"]}
    path = f"/v1/ministries/mnd/approvals/{proposal['id']}/approve"
    assert place.ask("kim", "POST", path, json=decision).status_code == 403, "its submitter"
    assert labels_of_refusals(place)[-1][1] == "S"
