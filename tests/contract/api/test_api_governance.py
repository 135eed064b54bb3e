"""Approvals over HTTP: two people, never the submitter, bound to one digest; and nothing for a foreign ministry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_places import ApiPlace

from bongsu.domain.documents import iso_time

DAY = 86_400.0


@pytest.fixture
def place(tmp_path: Path) -> Iterator[ApiPlace]:
    made = ApiPlace(tmp_path)
    made.permit_use()
    made.permit_data()
    made.register()
    yield made
    made.close()


def wish(place: ApiPlace) -> dict[str, Any]:
    return {
        "ministry": "mnd",
        "kind": "promotion",
        "object": "model:axk1/1",
        "target": "production",
        "reason": "It is better",
        "evidenceEndsAt": iso_time(place.now + 90 * DAY),
    }


def test_a_model_is_promoted_by_two_people_who_did_not_submit_it(place: ApiPlace) -> None:
    proposed = place.ask("lee", "POST", "/v1/approvals", json=wish(place))
    assert proposed.status_code == 201, proposed.text
    proposal, digest = proposed.json()["id"], proposed.json()["digest"]
    path = f"/v1/ministries/mnd/approvals/{proposal}"
    early = place.ask("lee", "POST", f"{path}/apply")
    assert early.status_code in (403, 409), early.text
    assert place.aliases() == {}
    vote = {"digest": digest}
    other = place.ask("ann", "POST", f"{path}/approve", json={"digest": "sha256-" + "0" * 64})
    assert other.status_code >= 400
    for person in ("ann", "bae"):
        assert place.ask(person, "POST", f"{path}/approve", json=vote).status_code == 200
    assert place.ask("lee", "POST", f"{path}/apply").status_code == 200
    assert place.aliases() == {"production": 1}
    listed = place.ask("ann", "GET", "/v1/approvals").json()["items"]
    assert [one["id"] for one in listed] == [proposal]


def test_who_is_about_to_use_a_model_asks_whether_it_may_be_used_so(place: ApiPlace) -> None:
    path = "/v1/ministries/mnd/launch-check"
    wanted = {"kind": "promotion", "object": "model:axk1/1", "target": "production"}
    early = place.ask("kim", "GET", path, params=wanted)
    assert (early.status_code, early.json()["code"]) == (403, "model.not-approved")
    content = place.promoted().binding.content
    told = place.ask("kim", "GET", path, params=wanted)
    assert (told.status_code, told.json()) == (200, wanted | {"digest": content})
    other = place.ask("kim", "GET", path, params=wanted | {"kind": "serving"})
    assert (other.status_code, other.json()["code"]) == (403, "model.not-approved")
    assert place.ask("kim", "GET", path, params=wanted | {"kind": "downgrade"}).status_code == 422
    foreign = place.ask("army-eng", "GET", path, params=wanted)
    assert foreign.status_code == 404
    stop = {"ministry": "mnd", "name": "axk1", "version": 1, "reason": "It leaks"}
    assert place.ask("acc", "POST", "/v1/suspensions", json=stop).status_code == 201
    stopped = place.ask("kim", "GET", path, params=wanted)
    assert "model.suspended" in {one["code"] for one in stopped.json()["problems"]}


@pytest.mark.parametrize("person", ["kim", "lee"])
def test_neither_the_submitter_nor_who_proposes_approves(place: ApiPlace, person: str) -> None:
    proposed = place.ask("lee", "POST", "/v1/approvals", json=wish(place)).json()
    path = f"/v1/ministries/mnd/approvals/{proposed['id']}/approve"
    refused = place.ask(person, "POST", path, json={"digest": proposed["digest"]})
    assert refused.status_code == 403, refused.text
    assert any(outcome_of(entry) == "refused" for _actor, _action, entry in place.log())


def outcome_of(entry: str) -> str:
    import json

    return str(json.loads(entry)["outcome"])


def test_a_foreign_ministry_finds_nothing_of_it(place: ApiPlace) -> None:
    proposed = place.ask("lee", "POST", "/v1/approvals", json=wish(place)).json()
    for path in ("/v1/approvals", "/v1/uses", "/v1/data-permits", "/v1/suspensions", "/v1/models"):
        assert place.ask("army-ann", "GET", path).json() == {"items": [], "next": None}, path
    there = place.ask("army-ann", "GET", f"/v1/ministries/mnd/approvals/{proposed['id']}")
    nowhere = place.ask("army-ann", "GET", "/v1/ministries/nowhere/approvals/a-1")
    assert there.status_code == nowhere.status_code == 404
    assert str(there.json()["problems"]).replace("mnd", "nowhere") == str(nowhere.json()["problems"])


def test_a_model_is_stopped_by_one_person_and_let_go_by_two(place: ApiPlace) -> None:
    stop = {"ministry": "mnd", "name": "axk1", "version": 1, "reason": "It answers what it should not"}
    assert place.ask("lee", "POST", "/v1/suspensions", json=stop).status_code == 403
    assert place.ask("acc", "POST", "/v1/suspensions", json=stop).status_code == 201
    assert [one["name"] for one in place.ask("kim", "GET", "/v1/suspensions").json()["items"]] == ["axk1"]
    (listed,) = place.ask("kim", "GET", "/v1/models", params={"fields": "suspendedAt,suspendedBy"}).json()["items"]
    assert listed == {"suspendedAt": iso_time(place.now), "suspendedBy": "acc"}
    assert place.ask("kim", "GET", "/v1/ministries/mnd/models/axk1/1").json()["suspendedBy"] == "acc"


def a_use(place: ApiPlace) -> dict[str, Any]:
    return {
        "ministry": "mnd",
        "useClass": "administration",
        "tier": "I",
        "statement": "Draft documents",
        "conditions": "",
        "owner": "lee",
        "evidence": "https://example.org",
        "evidenceAt": iso_time(place.now),
        "beginsAt": iso_time(place.now),
        "endsAt": iso_time(place.now + DAY),
    }


@pytest.mark.parametrize(
    ("days", "status"),
    [(0.5, 201), (0.6, 422), (4000, 422), (-5 * 366, 201), (-5 * 366 - 0.1, 422), (-20_000, 422)],
)
def test_the_evidence_of_a_use_is_of_a_day_that_has_come_and_not_too_old(
    place: ApiPlace, days: float, status: int
) -> None:
    use = a_use(place) | {"evidenceAt": iso_time(place.now + days * DAY)}
    answer = place.ask("acc", "POST", "/v1/uses", json=use)
    assert answer.status_code == status, answer.text
    if status == 422:
        (problem,) = answer.json()["problems"]
        told = (problem["code"], problem["rule"], problem["field"])
        assert told == ("use.evidence-date", "use.evidence", "evidenceAt")
    else:
        assert place.ask("acc", "POST", "/v1/uses", json=use).json() == answer.json()


def test_what_concerns_lethal_autonomy_is_no_use_and_the_attempt_is_recorded(place: ApiPlace) -> None:
    use = a_use(place) | {"statement": "Select and engage targets without a human"}
    refused = place.ask("acc", "POST", "/v1/uses", json=use)
    assert (refused.status_code, refused.json()["code"]) == (403, "policy.forbidden-use")
    assert any("use.register" in action for _actor, action, entry in place.log() if outcome_of(entry) == "refused")


@pytest.mark.parametrize(
    "body", [b"[]", b"{", b'{"ministry": 1}', b'{"nothing": 1}', b'{"ministry": "mnd", "endsAt": "tomorrow"}']
)
def test_a_body_that_cannot_be_read_is_told(place: ApiPlace, body: bytes) -> None:
    refused = place.ask("acc", "POST", "/v1/uses", content=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "api.bad-request")


def test_rules_are_told_to_whoever_is_signed_in(place: ApiPlace) -> None:
    rules = place.ask("army-eng", "GET", "/v1/policy/rules", params={"limit": 500}).json()["items"]
    assert {"use.permitted", "grants.amount", "worker.own-attempt"} <= {rule["name"] for rule in rules}


def test_what_does_not_fit_is_said_in_words_and_in_the_readers_language(place: ApiPlace) -> None:
    proposed = place.ask("lee", "POST", "/v1/approvals", json=wish(place)).json()
    path = f"/v1/ministries/mnd/approvals/{proposed['id']}/approve"
    for language, words in (("en", "64 hexadecimal digits"), ("ko", "16진수 64자리")):
        headers = {"Accept-Language": language}
        refused = place.ask("ann", "POST", path, json={"digest": "sha256-12"}, headers=headers)
        assert refused.status_code == 422
        (problem,) = refused.json()["problems"]
        assert words in problem["message"]
        assert "[0-9a-f]" not in refused.text
