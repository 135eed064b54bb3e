"""A request that comes late, under the key that its client gave it, does not do anew what was taken back meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_places import ApiPlace
from governed_places import DAY, OPEN, STAFF
from service_places import drive

from bongsu.domain.documents import iso_time
from bongsu.domain.people import Role
from bongsu.store.database import Database
from bongsu.store.suspensions import lift

PERSON = "/v1/people/mnd/park"
LABELS, DATASETS = "/v1/ministries/mnd/labels", "/v1/ministries/mnd/datasets"
LAW = "/v1/ministries/mnd/datasets/law/1"
ROLE = {"ministry": "mnd", "role": "engineer"}


@pytest.fixture
def place(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiPlace]:
    made = ApiPlace(tmp_path, database)
    made.add_person("op", "mnd", Role.OPERATOR, OPEN)
    made.add_account("mnd/park", OPEN)
    made.add_role("mnd/park", "mnd", Role.AUDITOR)
    monkeypatch.setitem(STAFF, "op", ("mnd", Role.OPERATOR))
    yield made
    made.close()


def sent(place: ApiPlace, person: str, path: str, body: dict[str, Any], key: str = "") -> Any:
    answer = place.ask(person, "POST", path, json=body, headers={"Idempotency-Key": key} if key else {})
    assert answer.is_success, answer.text
    return answer.json()


def entries(place: ApiPlace, action: str) -> int:
    return sum(done == action for _actor, done, _entry in place.log())


def permit(place: ApiPlace, kind: str) -> dict[str, Any]:
    wish = {"reason": "As agreed", "beginsAt": iso_time(place.now), "endsAt": iso_time(place.now + 90 * DAY)}
    if kind == "access-permits":
        return {**wish, "object": "dataset:law/1", "giver": "mnd", "ministry": "army", "purpose": "administration"}
    card = "https://example.org/card"
    uses = ["administration", "logistics-resupply"]
    return {**wish, "ministry": "mnd", "name": "law", "version": 1, "useClasses": uses, "card": card}


@pytest.mark.parametrize("kind", ["data-permits", "access-permits"])
def test_a_permit_that_was_revoked_is_not_given_again(place: ApiPlace, kind: str) -> None:
    body = permit(place, kind)
    given = sent(place, "dc", f"/v1/{kind}", body, "k1")
    assert sent(place, "dc", f"/v1/{kind}", body, "k1") == given
    revoked = sent(place, "dc", f"/v1/ministries/mnd/{kind}/{given['id']}/revoke", {"reason": "Its licence ended"})
    assert sent(place, "dc", f"/v1/{kind}", body, "k1") == revoked
    listed = place.ask("dc", "GET", f"/v1/{kind}").json()["items"]
    assert [one["revokedAt"] for one in listed] == [revoked["revokedAt"]]
    other = place.ask("dc", "POST", f"/v1/{kind}", json=body | {"reason": "?"}, headers={"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["code"]) == (422, "api.key-used-otherwise")
    assert sent(place, "dc", f"/v1/{kind}", body, "k2")["id"] != given["id"], "who means it gives a new one"


@pytest.mark.parametrize(
    ("did", "body", "undid", "back", "action"),
    [
        ("roles/give", ROLE, "roles/take", ROLE, "role.give"),
        ("secondments/send", {"ministry": "army"}, "secondments/recall", {"ministry": "army"}, "person.send"),
        (
            "clearance",
            {"clearance": "C", "reason": "It was vetted"},
            "clearance",
            {"clearance": "O", "reason": "It lapsed"},
            "clearance.set",
        ),
    ],
)
def test_what_somebody_was_given_and_lost_does_not_come_back(
    place: ApiPlace, did: str, body: dict[str, Any], undid: str, back: dict[str, Any], action: str
) -> None:
    sent(place, "op", f"{PERSON}/{did}", body, "k1")
    sent(place, "op", f"{PERSON}/{did}", body, "k1")
    after = sent(place, "op", f"{PERSON}/{undid}", back, "k2")
    known = entries(place, action)
    assert sent(place, "op", f"{PERSON}/{did}", body, "k1") == after
    assert entries(place, action) == known
    assert sent(place, "op", f"{PERSON}/{did}", body, "k3") != after
    assert sent(place, "op", f"{PERSON}/{undid}", back, "k2") != after, "that, too, was carried out before"


def test_a_label_that_was_lowered_is_not_raised_again(place: ApiPlace) -> None:
    body = {"of": place.law, "grade": "S", "reason": "It names people"}
    assert sent(place, "dc", LABELS, body, "k1")["label"] == "S"
    wish = {"ministry": "mnd", "kind": "downgrade", "object": f"artifact:{place.law}", "target": "O"}
    proposed = sent(place, "dc", "/v1/approvals", wish | {"reason": "The names were taken out"})
    path = f"/v1/ministries/mnd/approvals/{proposed['id']}"
    for person in ("ann", "bae"):
        sent(place, person, f"{path}/approve", {"digest": proposed["digest"]})
    sent(place, "dc", f"{path}/apply", {})
    known = entries(place, "label.raise")
    assert sent(place, "dc", LABELS, body, "k1")["label"] == "O"
    assert entries(place, "label.raise") == known
    other = place.ask("dc", "POST", LABELS, json=body | {"grade": "C"}, headers={"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["code"]) == (422, "api.key-used-otherwise")
    assert sent(place, "dc", LABELS, body, "k2")["label"] == "S", "who means it raises it"


def test_a_version_of_a_data_set_is_registered_once_whatever_came_after_it(place: ApiPlace) -> None:
    for text in ("first", "second"):
        place.add_dataset(f"{text}-bytes", place.tree(text))
    first, second = ({"name": "laws", "uri": f"artifact:{place.tree(text)}"} for text in ("first", "second"))
    assert sent(place, "dc", DATASETS, first, "k1")["version"] == 1
    assert sent(place, "dc", DATASETS, second, "k2")["version"] == 2
    assert sent(place, "dc", DATASETS, first, "k1")["version"] == 1
    assert place.ask("dc", "GET", f"{DATASETS}/laws/3").status_code == 404
    other = place.ask("dc", "POST", DATASETS, json=second, headers={"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["code"]) == (422, "api.key-used-otherwise")
    assert sent(place, "dc", DATASETS, first, "k3")["version"] == 3, "who means it goes back"


def test_a_run_that_was_cancelled_is_not_resumed_by_who_found_it_under_way(place: ApiPlace) -> None:
    place.permit_use()
    run = place.run_of("kim")
    assert sent(place, "kim", f"/v1/runs/{run}/resume", {}, "r1")["run"]["state"] == "pending"
    sent(place, "kim", f"/v1/runs/{run}/cancel", {})
    drive(place.platform, [run])
    assert sent(place, "kim", f"/v1/runs/{run}/resume", {}, "r1")["run"]["state"] == "cancelled"
    assert sent(place, "kim", f"/v1/runs/{run}/resume", {}, "r2")["run"]["state"] == "pending"


def test_a_model_that_was_let_go_is_not_stopped_again(place: ApiPlace) -> None:
    place.register()
    stop = {"ministry": "mnd", "name": "axk1", "version": 1, "reason": "It invents regulations"}
    stopped = sent(place, "acc", "/v1/suspensions", stop, "k1")
    assert sent(place, "acc", "/v1/suspensions", stop, "k1") == stopped
    with place.platform.write() as connection:
        assert lift(connection, stopped["id"], place.now)
    after = sent(place, "acc", "/v1/suspensions", stop, "k1")
    assert (after["id"], bool(after["liftedAt"])) == (stopped["id"], True)
    assert entries(place, "model.suspend") == 1
    assert sent(place, "acc", "/v1/suspensions", stop, "k2")["id"] != stopped["id"], "who means it stops it again"


def test_a_proposal_that_was_withdrawn_is_not_made_again(place: ApiPlace) -> None:
    place.permit_use()
    place.permit_data()
    place.register()
    wish = {"ministry": "mnd", "kind": "promotion", "object": "model:axk1/1", "target": "production"}
    wish |= {"reason": "It is better", "evidenceEndsAt": iso_time(place.now + 60 * DAY)}
    made = sent(place, "lee", "/v1/approvals", wish, "k1")
    assert sent(place, "lee", "/v1/approvals", wish, "k1")["id"] == made["id"]
    withdrawn = sent(place, "lee", f"/v1/ministries/mnd/approvals/{made['id']}/withdraw", {"reason": "Not yet"})
    late = sent(place, "lee", "/v1/approvals", wish, "k1")
    assert (late["id"], late["state"]) == (withdrawn["id"], "withdrawn")
    assert entries(place, "approval.propose") == 1
    assert sent(place, "lee", "/v1/approvals", wish, "k2")["id"] != made["id"], "who means it proposes it again"
