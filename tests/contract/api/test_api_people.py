"""Ministries and people over HTTP, on each database: for those who may, and as if they were not there for others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from people_api import PeopleApi
from people_places import ISSUER

from bongsu.domain.people import ActorKind, Role
from bongsu.store.database import Database

VETTED = {"clearance": "S/logistics", "reason": "Vetting of 2026-11-20"}
KIM = {"id": "mnd/kim", "name": "김철수", "issuer": ISSUER, "subject": "sub-mnd/kim", **VETTED}
NAVY = {
    "name": "navy",
    "titleKo": "해군",
    "titleEn": "Navy",
    "operator": {"id": "navy/op", "name": "op", "issuer": ISSUER, "subject": "sub-navy/op"},
}
CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("roles/give", {"ministry": "mnd", "role": "engineer"}),
    ("roles/take", {"ministry": "mnd", "role": "engineer"}),
    ("clearance", {"clearance": "S", "reason": "vetted"}),
    ("disable", {}),
    ("secondments/send", {"ministry": "msit"}),
    ("secondments/recall", {"ministry": "msit"}),
    ("secrets", {"overlapSeconds": 0}),
    ("secrets/abc/withdraw", {}),
]


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[PeopleApi]:
    made = PeopleApi(database, tmp_path)
    yield made
    made.http.close()


def refusal(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def test_a_person_is_added_given_a_role_cleared_and_disabled(place: PeopleApi) -> None:
    made = place.ask("mnd/op", "POST", "/v1/people", json=KIM)
    assert made.status_code == 201, made.text
    assert made.json() == {
        "id": "mnd/kim",
        "name": "김철수",
        "kind": "person",
        "clearance": "S/logistics",
        "roles": {},
        "createdAt": "2023-11-14T22:13:20.000Z",
        "disabledAt": None,
        "sentTo": [],
    }
    given = place.done("mnd/op", "/v1/people/mnd/kim/roles/give", ministry="mnd", role="engineer")
    assert given["roles"] == {"mnd": ["engineer"]}
    cleared = place.done("mnd/op", "/v1/people/mnd/kim/clearance", clearance="S", reason="Vetting ended")
    assert cleared["clearance"] == "S"
    me = place.ask("mnd/kim", "GET", "/v1/me").json()
    assert (me["id"], me["clearance"], me["ministries"]["mnd"]["roles"]) == ("mnd/kim", "S", ["engineer"])
    assert place.done("mnd/op", "/v1/people/mnd/kim/roles/take", ministry="mnd", role="engineer")["roles"] == {}
    place.done("mnd/op", "/v1/people/mnd/kim/disable")
    assert place.ask("mnd/kim", "GET", "/v1/me").status_code == 401
    shown = place.ask("mnd/op", "GET", "/v1/people/mnd/kim", params={"fields": "id,disabledAt"}).json()
    assert shown["disabledAt"] is not None
    entries = place.log("mnd")[-5:]
    assert [one["action"] for one in entries] == [
        "person.add",
        "role.give",
        "clearance.set",
        "role.take",
        "person.disable",
    ]
    assert {one["request"] for one in entries} == {"request-1"}


def test_people_are_listed_by_the_page_and_by_kind(place: PeopleApi) -> None:
    place.add("mnd/ci", ActorKind.SERVICE, mnd=Role.ENGINEER)
    first = place.ask("mnd/op", "GET", "/v1/ministries/mnd/people", params={"limit": 2}).json()
    rest = place.ask("mnd/op", "GET", "/v1/ministries/mnd/people", params={"limit": 2, "cursor": first["next"]})
    assert [one["id"] for one in first["items"] + rest.json()["items"]] == ["mnd/ci", "mnd/op", "mnd/op2"]
    assert rest.json()["next"] is None
    services = place.ask("mnd/op", "GET", "/v1/ministries/mnd/people", params={"kind": "service"}).json()
    assert [one["id"] for one in services["items"]] == ["mnd/ci"]
    wrong = place.ask(
        "mnd/op", "GET", "/v1/ministries/mnd/people", params={"cursor": first["next"], "kind": "person"}
    )
    assert refusal(wrong) == (400, "api.bad-cursor"), "a cursor of one list is none of another"


def test_people_of_another_ministry_are_as_people_that_there_are_not(place: PeopleApi) -> None:
    place.add("mnd/kim", mnd=Role.ENGINEER)
    asked = [("GET", "", {}), ("GET", "/secrets", {}), *(("POST", f"/{what}", body) for what, body in CHANGES)]
    for method, what, body in asked:
        # A ministry that is named is one in which the asker is an operator: nothing else may tell.
        sent = body | ({"ministry": "msit"} if "role" in body else {})
        there, nowhere = (
            place.ask("msit/op", method, f"/v1/people/{one}{what}", json=sent or None)
            for one in ("mnd/kim", "mnd/nobody")
        )
        assert refusal(there) == refusal(nowhere) == (404, "people.unknown"), (method, what, there.text)
        told = [one.json()["problems"] for one in (there, nowhere)]
        assert str(told[0]) == str(told[1]).replace("nobody", "kim")


def test_another_ministry_is_as_one_that_there_is_not(place: PeopleApi) -> None:
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "/v1/ministries/{}/people", {}),
        ("POST", "/v1/ministries/{}/close", {}),
        ("POST", "/v1/people", KIM | {"id": "{}/new", "subject": "new"}),
        ("POST", "/v1/people/msit/op/roles/give", {"ministry": "{}", "role": "engineer"}),
    ]
    for method, path, body in asked:
        answers = []
        for name in ("mnd", "nowhere"):
            filled = {key: value.replace("{}", name) for key, value in body.items()}
            answers.append(place.ask("msit/op", method, path.format(name), json=filled or None))
        there, nowhere = answers
        assert refusal(there) == refusal(nowhere) == (404, "people.unknown-ministry"), (path, there.text)
        told = [str(one.json()["problems"]) for one in answers]
        assert told[0] == told[1].replace("nowhere", "mnd")
    listed = place.ask("msit/op", "GET", "/v1/ministries").json()
    assert [one["name"] for one in listed["items"]] == ["msit"]


@pytest.mark.parametrize("asker", ["mnd/kim", "mnd/ci", "mnd/aud"])
def test_who_may_not_manage_people_changes_nobody_and_it_is_recorded(place: PeopleApi, asker: str) -> None:
    place.add("mnd/kim", mnd=Role.ENGINEER)
    place.add("mnd/ci", ActorKind.SERVICE, mnd=Role.ENGINEER)
    place.add("mnd/aud", mnd=Role.AUDITOR)
    before = place.ask("mnd/op", "GET", "/v1/ministries/mnd/people").json()
    for path, body in (
        ("/v1/people", KIM | {"id": "mnd/new", "subject": "new"}),
        ("/v1/ministries/mnd/close", {}),
        ("/v1/ministries", NAVY),
        *((f"/v1/people/mnd/op2/{what}", body) for what, body in CHANGES),
    ):
        response = place.ask(asker, "POST", path, json=body or None)
        # An auditor looks at people, the others see none of them.
        lacking = "access.people-decide" if asker == "mnd/ci" else "people.not-allowed"
        expected = {(403, lacking)} | (set() if asker == "mnd/aud" else {(404, "people.unknown")})
        assert refusal(response) in expected, (path, response.text)
    assert place.ask("mnd/op", "GET", "/v1/ministries/mnd/people").json() == before
    refused = [one for one in place.log("mnd") if one["actor"] == asker and one["outcome"] == "refused"]
    assert len(refused) >= 6


def test_nobody_raises_themselves(place: PeopleApi) -> None:
    for what, body in CHANGES:
        response = place.ask("mnd/op", "POST", f"/v1/people/mnd/op/{what}", json=body or None)
        assert refusal(response) == (403, "people.own-rights"), (what, response.text)


def test_a_service_account_gets_no_role_that_decides(place: PeopleApi) -> None:
    place.add("mnd/ci", ActorKind.SERVICE)
    for role in ("approver", "accreditor", "operator"):
        body = {"ministry": "mnd", "role": role}
        response = place.ask("mnd/op", "POST", "/v1/people/mnd/ci/roles/give", json=body)
        assert refusal(response) == (403, "people.service-role")


def test_secrets_are_shown_once_replaced_and_withdrawn(place: PeopleApi) -> None:
    place.add("mnd/ci", ActorKind.SERVICE)
    path = "/v1/people/mnd/ci/secrets"
    first = place.ask("mnd/op", "POST", path, json={})
    assert (first.status_code, first.headers["cache-control"]) == (201, "no-store")
    place.now += 10
    second = place.done("mnd/op", path, overlapSeconds=3600)
    listed = place.ask("mnd/op", "GET", path)
    assert [one["id"] for one in listed.json()["items"]] == [first.json()["id"], second["id"]]
    assert listed.json()["items"][0]["endsAt"] == "2023-11-14T23:13:30.000Z"
    for secret in (first.json()["secret"], second["secret"]):
        assert secret not in listed.text + str(place.log("mnd"))
    third = place.ask("mnd/op", "POST", path, json={"overlapSeconds": 60})
    assert refusal(third) == (409, "people.too-many-secrets")
    left = place.done("mnd/op", f"{path}/{first.json()['id']}/withdraw")
    assert [one["id"] for one in left] == [second["id"]]
    assert refusal(place.ask("mnd/op", "POST", f"{path}/none/withdraw")) == (404, "people.unknown-secret")
    assert refusal(place.ask("mnd/op", "POST", "/v1/people/mnd/op2/secrets", json={})) == (
        422,
        "people.not-a-service",
    )


def test_a_secret_whose_answer_was_lost_is_replaced_by_the_request_that_comes_again(place: PeopleApi) -> None:
    place.add("mnd/ci", ActorKind.SERVICE)
    path = "/v1/people/mnd/ci/secrets"
    first = place.ask("mnd/op", "POST", path, json={}).json()["id"]
    body, key = {"overlapSeconds": 3600}, {"Idempotency-Key": "s-1"}
    lost = place.ask("mnd/op", "POST", path, json=body, headers=key).json()
    place.now += 1
    again = place.ask("mnd/op", "POST", path, json=body, headers=key)
    assert again.status_code == 201, again.text
    made = again.json()
    assert made["secret"] != lost["secret"]
    listed = place.ask("mnd/op", "GET", path).json()["items"]
    assert [(one["id"], one["endsAt"]) for one in listed] == [
        (first, "2023-11-14T23:13:20.000Z"),
        (made["id"], None),
    ], "the lost one holds no longer, and the one before for as long as it was said at first"
    place.now += 1
    third = place.ask("mnd/op", "POST", path, json=body, headers=key).json()
    assert [one["id"] for one in place.ask("mnd/op", "GET", path).json()["items"]] == [first, third["id"]]
    other = place.ask("mnd/op", "POST", path, json={"overlapSeconds": 60}, headers=key)
    assert refusal(other) == (422, "api.key-used-otherwise")
    new = place.ask("mnd/op", "POST", path, json=body, headers={"Idempotency-Key": "s-2"})
    assert refusal(new) == (409, "people.too-many-secrets")
    kept = place.ask("mnd/op", "GET", path).json()["items"]
    assert [one["id"] for one in kept] == [first, third["id"]], "what is refused changes nothing"


@pytest.mark.parametrize(("overlap_s", "ended"), [(0, True), (3600, False)])
def test_a_request_that_comes_late_leaves_the_secret_that_took_the_place_of_its_own(
    place: PeopleApi, overlap_s: int, ended: bool
) -> None:
    place.add("mnd/ci", ActorKind.SERVICE)
    path, body = "/v1/people/mnd/ci/secrets", {"overlapSeconds": overlap_s}

    def made(key: str) -> Any:
        place.now += 1
        return place.ask("mnd/op", "POST", path, json=body, headers={"Idempotency-Key": key})

    def held() -> list[str]:
        return [one["id"] for one in place.ask("mnd/op", "GET", path).json()["items"]]

    first, second = made("KA").json()["id"], made("KB").json()["id"]
    kept = held()
    assert kept == ([second] if ended else [first, second])
    for _again in range(2):
        late = made("KA")
        assert refusal(late) == (409, "people.secret-replaced")
        assert f"the secret {first}" in late.json()["title"]
        assert held() == kept
    third = made("KB").json()["id"]
    assert held() == ([third] if ended else [first, third]), "that of KB is the newest: its answer may be lost"
    place.done("mnd/op", f"{path}/{third}/withdraw")
    assert refusal(made("KB")) == (409, "people.secret-replaced"), "whoever withdrew it did so on purpose"
    assert made("KC").status_code == 201


def test_a_secret_is_withdrawn_once_however_often_it_is_asked_for(place: PeopleApi) -> None:
    place.add("mnd/ci", ActorKind.SERVICE)
    path = "/v1/people/mnd/ci/secrets"
    secret = place.ask("mnd/op", "POST", path, json={}).json()["id"]
    assert place.done("mnd/op", f"{path}/{secret}/withdraw") == []
    told = place.log("mnd")
    assert place.done("mnd/op", f"{path}/{secret}/withdraw") == []
    assert place.log("mnd") == told


def test_somebody_is_sent_to_another_ministry_and_called_back(place: PeopleApi) -> None:
    place.add("mnd/kim", mnd=Role.ENGINEER)
    sent = place.done("mnd/op", "/v1/people/mnd/kim/secondments/send", ministry="msit")
    assert (sent["sentTo"], sent["roles"]) == (["msit"], {"mnd": ["engineer"]})
    there = place.done("msit/op", "/v1/people/mnd/kim/roles/give", ministry="msit", role="auditor")
    assert (there["sentTo"], there["roles"]) == (["msit"], {"msit": ["auditor"]}), "not what they are at home"
    listed = place.ask("msit/op", "GET", "/v1/ministries/msit/people").json()["items"]
    assert [one["id"] for one in listed] == ["mnd/kim", "msit/op"]
    place.done("mnd/op", "/v1/people/mnd/kim/secondments/recall", ministry="msit")
    assert place.ask("msit/op", "GET", "/v1/people/mnd/kim").status_code == 404


def test_a_subject_of_this_server_is_its_own_ministry_s_alone_and_tells_of_nobody(place: PeopleApi) -> None:
    own = f"{ISSUER}/services"
    place.done("mnd/op", "/v1/people", **KIM | {"issuer": own, "subject": "mnd/kim"})
    taken = []
    for subject in ("mnd/kim", "mnd/planned"):
        asked = {"id": "msit/x", "name": "x", "issuer": own, "subject": subject}
        response = place.ask("msit/op", "POST", "/v1/people", json=asked)
        assert refusal(response) == (422, "people.subject-home")
        taken.append(str(response.json()["problems"]).replace(subject, "X"))
    assert taken[0] == taken[1], "whether somebody is there is not told"
    place.done("mnd/op", "/v1/people", **KIM | {"id": "mnd/planned", "issuer": own, "subject": "mnd/planned"})


def test_two_ministries_are_not_called_the_same(place: PeopleApi) -> None:
    for titles in ({"titleKo": "국 방부"}, {"titleEn": "ministry of national  DEFENCE"}):
        response = place.ask("mnd/op", "POST", "/v1/ministries", json=NAVY | titles)
        assert refusal(response) == (422, "people.title-taken")
    assert place.ask("mnd/op", "POST", "/v1/ministries", json=NAVY).status_code == 201


def test_a_ministry_comes_and_leaves(place: PeopleApi) -> None:
    made = place.ask("mnd/op", "POST", "/v1/ministries", json=NAVY)
    assert (made.status_code, made.json()["titleKo"]) == (201, "해군")
    assert place.ask("navy/op", "GET", "/v1/ministries").json()["items"] == [made.json()]
    again = place.ask("mnd/op", "POST", "/v1/ministries", json=NAVY | {"titleEn": "The Navy"})
    assert refusal(again) == (409, "people.ministry-exists")
    assert place.done("navy/op", "/v1/ministries/navy/close")["closedAt"] is not None
    assert place.ask("navy/op", "GET", "/v1/me").json()["ministries"] == {}
    assert place.ask("navy/op", "GET", "/v1/ministries").json()["items"] == []
    assert place.ask("mnd/op", "POST", "/v1/ministries/navy/close").status_code == 404


def test_the_last_of_something_stays(place: PeopleApi) -> None:
    place.add("msit/op2", msit=Role.OPERATOR)
    place.done("msit/op2", "/v1/people/msit/op/disable")
    last = {"ministry": "msit", "role": "operator"}
    response = place.ask("msit/op2", "POST", "/v1/people/msit/op2/roles/take", json=last)
    assert refusal(response) == (403, "people.own-rights")
    place.done("mnd/op", "/v1/ministries/mnd/close")
    assert refusal(place.ask("msit/op2", "POST", "/v1/ministries/msit/close")) == (409, "people.last-ministry")


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/v1/people", KIM | {"clearance": "X"}, "api.bad-request"),
        ("/v1/people", KIM | {"clearance": "S/UP"}, "api.bad-request"),
        ("/v1/people", KIM | {"kind": "worker"}, "api.bad-request"),
        ("/v1/people", KIM | {"roles": {}}, "api.bad-request"),
        ("/v1/people", KIM | {"id": "mnd/Kim"}, "people.id-form"),
        ("/v1/people", KIM | {"name": "a\u0000"}, "api.bad-request"),
        ("/v1/ministries", NAVY | {"name": "Na vy"}, "people.ministry-form"),
        ("/v1/ministries", NAVY | {"titleKo": " "}, "people.text-form"),
        ("/v1/people/mnd/op2/roles/give", {"ministry": "m\u0000", "role": "engineer"}, "api.bad-request"),
        ("/v1/people/mnd/op2/roles/give", {"ministry": "mnd", "role": "king"}, "api.bad-request"),
        ("/v1/people/mnd/op2/roles/lend", {"ministry": "mnd", "role": "engineer"}, "api.bad-request"),
        ("/v1/people/mnd/op2/clearance", {"clearance": "S", "reason": "  "}, "people.text-form"),
        ("/v1/people/mnd/ci/secrets", {"overlapSeconds": -1}, "api.bad-request"),
        ("/v1/people/mnd/ci/secrets", {"overlapSeconds": 1e9}, "api.bad-request"),
    ],
)
def test_what_cannot_be_is_told_where_it_stands(
    place: PeopleApi, path: str, body: dict[str, Any], code: str
) -> None:
    place.add("mnd/ci", ActorKind.SERVICE)
    assert refusal(place.ask("mnd/op", "POST", path, json=body)) == (422, code)


@pytest.mark.parametrize("clearance", ["S", "O/logistics"])
@pytest.mark.parametrize("reason", [None, "", "  "])
def test_a_first_clearance_has_a_reason_as_every_other_one(
    place: PeopleApi, clearance: str, reason: str | None
) -> None:
    given = {"clearance": clearance} | ({} if reason is None else {"reason": reason})
    person = {key: KIM[key] for key in ("id", "name", "issuer", "subject")}
    refused = place.ask("mnd/op", "POST", "/v1/people", json=person | given)
    assert (refusal(refused), refused.json()["problems"][0]["field"]) == ((422, "people.text-form"), "reason")
    navy = NAVY | {"operator": NAVY["operator"] | given}
    assert refusal(place.ask("mnd/op", "POST", "/v1/ministries", json=navy)) == (422, "people.text-form")
    vetted = place.ask("mnd/op", "POST", "/v1/people", json=person | given | {"reason": "Vetting 4711"})
    assert vetted.status_code == 201, vetted.text
    facts = place.log("mnd")[-1]["facts"]
    assert (facts["clearance"], facts["reason"]) == (clearance, "Vetting 4711")


def test_who_may_see_what_is_open_needs_no_reason(place: PeopleApi) -> None:
    person = {key: KIM[key] for key in ("id", "name", "issuer", "subject")}
    assert place.ask("mnd/op", "POST", "/v1/people", json=person).status_code == 201


@pytest.mark.parametrize("name", ["a%00", "..%2Fop", "KIM", "a" * 500])
def test_an_address_that_can_be_nobody_s_is_nobody_s(place: PeopleApi, name: str) -> None:
    assert place.ask("mnd/op", "GET", f"/v1/people/mnd/{name}").status_code == 404


def test_anybody_learns_where_to_sign_in(place: PeopleApi) -> None:
    told = place.http.get("/v1/server").json()
    assert told["signIn"]["issuer"] == ISSUER
    assert told["serviceIssuer"] == f"{ISSUER}/services"


def test_who_may_name_a_receiver_is_told_the_names_of_those_that_take_part(place: PeopleApi) -> None:
    place.done("mnd/op", "/v1/people", **KIM)
    path = "/v1/ministries/receivers"
    for role, sees in (
        *((one, True) for one in ("data-custodian", "programme-manager", "engineer")),
        *((one, False) for one in ("approver", "accreditor", "auditor")),
    ):
        place.done("mnd/op", "/v1/people/mnd/kim/roles/give", ministry="mnd", role=role)
        items = place.ask("mnd/kim", "GET", path).json()["items"]
        place.done("mnd/op", "/v1/people/mnd/kim/roles/take", ministry="mnd", role=role)
        assert [one["name"] for one in items] == (["mnd", "msit"] if sees else []), role
        assert all(one.keys() == {"name", "titleKo", "titleEn"} for one in items)
    assert place.ask("mnd/op", "GET", path).json()["items"] == []
    assert place.http.get(path).status_code == 401


def test_a_ministry_that_left_is_no_receiver(place: PeopleApi) -> None:
    place.done("mnd/op", "/v1/people", **KIM)
    place.done("mnd/op", "/v1/people/mnd/kim/roles/give", ministry="mnd", role="data-custodian")
    place.done("msit/op", "/v1/ministries/msit/close")
    items = place.ask("mnd/kim", "GET", "/v1/ministries/receivers").json()["items"]
    assert [one["name"] for one in items] == ["mnd"]
