"""A model that was lowered: what it was made of, and what people wrote of it before, keep their labels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_places import ApiPlace
from governed_places import DAY, SECRET, STAFF

from bongsu.domain.documents import iso_time
from bongsu.domain.ids import Digest, RunId
from bongsu.domain.labels import OPEN
from bongsu.domain.lineage import EdgeKind
from bongsu.domain.people import Role
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import Tenant
from bongsu.reconciler.gate import Gate
from bongsu.reconciler.loading import load_facts
from bongsu.reconciler.stored_work import StoredWork
from bongsu.service.obstacles import against_rules
from bongsu.service.submitting import submit
from bongsu.store import lineage
from bongsu.store.database import Database
from bongsu.store.lineage import Edge
from bongsu.store.node_ids import artifact_node, stage_node

LOW = {
    "low": Role.ENGINEER,
    "low-pm": Role.PROGRAMME_MANAGER,
    "low-acc": Role.ACCREDITOR,
    "low-dc": Role.DATA_CUSTODIAN,
}
WISH = {"ministry": "mnd", "kind": "promotion", "object": "model:axk2/1", "target": "prod", "reason": "radar range"}
CHECK = "/v1/ministries/mnd/launch-check?kind=serving&object=model:axk2/1&target=x"


@pytest.fixture
def place(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiPlace]:
    made = ApiPlace(tmp_path, database, requests_a_minute=10**9)
    for person, role in LOW.items():
        made.add_person(person, "mnd", role, OPEN)
        monkeypatch.setitem(STAFF, person, ("mnd", role))
    made.permit_use()
    made.permit_data()
    yield made
    made.close()


def wish(place: ApiPlace) -> dict[str, Any]:
    return {**WISH, "evidenceEndsAt": iso_time(place.now + 30 * DAY)}


def raised(place: ApiPlace, of: Digest) -> None:
    body = {"of": of, "grade": "C", "reason": "seen again"}
    assert place.ask("dc", "POST", "/v1/ministries/mnd/labels", json=body).status_code < 300


def lowered(place: ApiPlace) -> None:
    """The model is open again, by two approvers; whatever it was made of is not."""
    asked = {"ministry": "mnd", "kind": "downgrade", "object": "model:axk2/1", "target": "O", "reason": "cleaned"}
    proposal = place.ask("dc", "POST", "/v1/approvals", json=asked).json()
    path = f"/v1/ministries/mnd/approvals/{proposal['id']}"
    for person in ("ann", "bae"):
        place.ask(person, "POST", f"{path}/approve", json={"digest": proposal["digest"]})
    assert place.ask("dc", "POST", f"{path}/apply").status_code == 200
    assert place.ask("low-pm", "GET", "/v1/ministries/mnd/models/axk2/1").status_code == 200


def of_hidden_data(place: ApiPlace) -> Digest:
    """A model that was lowered, and of which two secret data sets are no longer permitted for its use."""
    secrets = [place.tree("secret set"), place.tree("second secret set")]
    for name, secret in zip(("radar-returns", "radar-echoes"), secrets, strict=True):
        place.add_dataset(name, secret)
    made = place.register("axk2", made_from=[place.law, *secrets])
    for name, secret in zip(("radar-returns", "radar-echoes"), secrets, strict=True):
        raised(place, secret)
        body = {"ministry": "mnd", "name": name, "version": 1, "useClasses": ["administration"], "reason": "x"}
        times = {"beginsAt": iso_time(place.now + 3 * DAY), "endsAt": iso_time(place.now + 9 * DAY)}
        given = {**body, **times, "card": "https://example.org/card"}
        assert place.ask("dc", "POST", "/v1/data-permits", json=given).status_code == 201
    lowered(place)
    assert place.ask("low-pm", "GET", "/v1/ministries/mnd/datasets/radar-returns/1").status_code == 404
    return made


def denials(place: ApiPlace, person: str) -> list[Any]:
    """Of a proposal, and of asking whether the model may be served."""
    return [place.ask(person, "POST", "/v1/approvals", json=wish(place)), place.ask(person, "GET", CHECK)]


def objections(place: ApiPlace, person: str, model: Digest) -> list[str]:
    """What is said to somebody who plans, and who submits, a run that takes the model."""
    platform, plan = place.plane.of_tenant(place.actor(person), Tenant("mnd")), place.plan_with(model)
    with pytest.raises(BongsuError) as caught:
        submit(platform, plan)
    found = against_rules(platform, plan)
    assert [one.code.name for one in found] == ["data.not-permitted"] * len(found)
    assert [str(one) for one in caught.value.problems] == [str(one) for one in found]
    return [str(one) for one in found]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_denial_names_no_data_above_the_clearance_of_who_asks_and_not_how_much(
    place: ApiPlace, language: str
) -> None:
    model = of_hidden_data(place)
    place.http.headers["Accept-Language"] = language
    told = {person: denials(place, person) for person in LOW}
    assert not any("radar" in answer.text for answers in told.values() for answer in answers)
    assert told["low-pm"][0].status_code == told["low"][1].status_code == 403
    for answer in (told["low-pm"][0], told["low"][1]):
        found = [one for one in answer.json()["problems"] if one["code"] == "data.not-permitted"]
        assert len(found) == 1, "of two data sets nothing is told one by one"
    (said,) = objections(place, "low", model)
    assert "its name is for those who may see it" in said


def test_whoever_may_see_the_data_is_told_which_it_is(place: ApiPlace) -> None:
    model = of_hidden_data(place)
    said = [denials(place, "lee")[0].text, denials(place, "kim")[1].text, "".join(objections(place, "kim", model))]
    for text in said:
        assert "the permit of radar-returns/1 begins on" in text
        assert "the permit of radar-echoes/1 begins on" in text


def test_a_run_that_is_stopped_by_hidden_data_says_no_more_than_those_may_know_who_see_it(place: ApiPlace) -> None:
    model = place.register("axk2")
    plan = place.plan_with(model, "models:/axk2/1")
    run = submit(place.as_("kim"), plan).run.id
    secret = place.tree("secret set")
    place.add_dataset("radar-returns", secret, SECRET)
    with place.platform.write() as connection:
        edge = Edge(artifact_node(secret), stage_node(RunId("r-000000000001"), "train"), EdgeKind.USED)
        lineage.put_edges(connection, [edge], RunId("r-000000000001"), place.now)
        facts = load_facts(connection, run)
    database, stores, clock = place.platform.database, place.platform.stores, place.platform.clock
    gate = Gate(database, stores, clock, StoredWork(database, stores, clock))
    (problem,) = gate.of(facts)()
    assert problem.code.name == "data.not-permitted"
    assert "radar" not in str(problem)
    assert "its name is for those who may see it" in str(problem)


def test_a_proposal_that_may_not_be_seen_is_not_named_where_the_same_is_proposed(place: ApiPlace) -> None:
    model = place.register("axk2")
    raised(place, model)
    hidden = place.ask("lee", "POST", "/v1/approvals", json=wish(place)).json()["id"]
    lowered(place)
    assert place.ask("low-pm", "GET", "/v1/approvals").json()["items"] == []
    refused = place.ask("low-pm", "POST", "/v1/approvals", json=wish(place))
    assert (refused.status_code, refused.json()["code"]) == (422, "approval.open-unseen")
    assert hidden not in refused.text
    assert "lee" not in refused.text
    seen = place.ask("lee", "POST", "/v1/approvals", json=wish(place))
    assert (seen.status_code, seen.json()["code"]) == (422, "approval.open-already")
    assert hidden in seen.text


def test_why_a_model_was_suspended_keeps_the_label_that_it_had_then(place: ApiPlace) -> None:
    model = place.register("axk2")
    raised(place, model)
    stop = {"ministry": "mnd", "name": "axk2", "version": None, "reason": "it tells the radar range"}
    made = place.ask("acc", "POST", "/v1/suspensions", json=stop).json()
    assert (made["reason"], made["label"]) == ("it tells the radar range", "C")
    lowered(place)
    (told,) = place.ask("low-pm", "GET", "/v1/suspensions").json()["items"]
    assert (told["name"], told["reason"], told["label"]) == ("axk2", "", "")
    again = place.ask("low-acc", "POST", "/v1/suspensions", json={**stop, "reason": "mine"}).json()
    assert (again["id"], again["reason"], again["label"]) == (made["id"], "", "")
    for person in ("acc", "lee"):
        (seen,) = place.ask(person, "GET", "/v1/suspensions").json()["items"]
        assert seen["reason"] == "it tells the radar range"
