"""Runs over HTTP: submitted once, listed by the page, filtered, followed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from api_places import PIPELINE, ApiPlace
from governed_places import SECRET
from service_places import drive
from sqlalchemy import update

from bongsu.api.routes import events
from bongsu.domain.labels import OPEN
from bongsu.store.requests import KEPT_S
from bongsu.store.runs import raise_label
from bongsu.store.schema_people import people


@pytest.fixture
def place(tmp_path: Path) -> Iterator[ApiPlace]:
    made = ApiPlace(tmp_path)
    made.permit_use()
    yield made
    made.close()


def test_a_submission_that_comes_again_is_the_same_run_even_when_it_is_over(place: ApiPlace) -> None:
    body, key = {"text": PIPELINE}, {"Idempotency-Key": "k-1"}
    first = place.ask("kim", "POST", "/v1/runs", json=body, headers=key)
    assert first.status_code == 201, first.text
    run = first.json()["run"]["id"]
    assert first.headers["location"] == f"/v1/runs/{run}"
    assert place.ask("kim", "POST", "/v1/runs", json=body, headers=key).json() == {
        "run": first.json()["run"],
        "created": False,
    }
    drive(place.platform, [run])
    again = place.ask("kim", "POST", "/v1/runs", json=body, headers=key)
    assert (again.status_code, again.json()["run"]["id"]) == (200, run)
    other = place.ask("kim", "POST", "/v1/runs", json=body, headers={"Idempotency-Key": "k-2"})
    assert other.json()["created"]
    changed = {"text": PIPELINE.replace("text: x", "text: y")}
    refused = place.ask("kim", "POST", "/v1/runs", json=changed, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (422, "api.key-used-otherwise")


def test_a_submission_that_comes_again_finds_its_run_though_it_would_be_refused_by_now(place: ApiPlace) -> None:
    body, key = {"text": PIPELINE}, {"Idempotency-Key": "k-1"}
    run = place.ask("kim", "POST", "/v1/runs", json=body, headers=key).json()["run"]["id"]
    (use,) = place.ask("acc", "GET", "/v1/uses").json()["items"]
    path = f"/v1/ministries/mnd/uses/{use['id']}/withdraw"
    assert place.ask("acc", "POST", path, json={"reason": "No longer needed"}).status_code == 200
    refused = place.ask("kim", "POST", "/v1/runs", json=body)
    assert refused.status_code == 403, refused.text
    again = place.ask("kim", "POST", "/v1/runs", json=body, headers=key)
    assert (again.status_code, again.json()["run"]["id"], again.json()["created"]) == (200, run, False)
    otherwise = place.ask("kim", "POST", "/v1/runs", json={"text": PIPELINE + "#"}, headers=key)
    assert otherwise.json()["code"] == "api.key-used-otherwise"
    assert place.ask("lee", "POST", "/v1/runs", json=body, headers=key).status_code == 403, "a key is its owner's"


def test_a_submission_that_comes_again_shows_no_run_that_its_owner_may_see_no_longer(place: ApiPlace) -> None:
    body, key = {"text": PIPELINE}, {"Idempotency-Key": "k-1"}
    run = place.ask("kim", "POST", "/v1/runs", json=body, headers=key).json()["run"]["id"]
    with place.platform.write() as connection:
        raise_label(connection, run, SECRET)
        connection.execute(update(people).where(people.c.id == "kim").values(clearance=str(OPEN)))
    again = place.ask("kim", "POST", "/v1/runs", json=body, headers=key)
    assert (again.status_code, again.json()["code"]) == (404, "run.unknown")


@pytest.mark.parametrize("noise", [False, True])
def test_how_long_a_key_holds_does_not_hang_on_what_others_ask(place: ApiPlace, noise: bool) -> None:
    body, key = {"text": PIPELINE}, {"Idempotency-Key": "k-1"}
    run = place.ask("kim", "POST", "/v1/runs", json=body, headers=key).json()["run"]["id"]
    drive(place.platform, [run])

    def again(after_s: float, name: str, text: str = PIPELINE) -> Any:
        place.now = began + after_s
        if noise:
            other = {"text": PIPELINE.replace("text: x", f"text: {name}")}
            place.ask("kim", "POST", "/v1/runs", json=other, headers={"Idempotency-Key": name})
        return place.ask("kim", "POST", "/v1/runs", json={"text": text}, headers=key)

    began = place.now
    assert again(KEPT_S, "one").json()["run"]["id"] == run
    changed = PIPELINE.replace("text: x", "text: y")
    assert again(KEPT_S, "two", changed).json()["code"] == "api.key-used-otherwise"
    later = again(KEPT_S + 1, "three", changed)
    assert later.status_code == 201, later.text
    assert later.json()["run"]["id"] != run
    assert again(KEPT_S + 2, "four", changed).json()["run"]["id"] == later.json()["run"]["id"]


@pytest.mark.parametrize("act", ["cancel", "resume"])
def test_an_old_key_of_a_cancel_or_a_resume_is_as_one_that_was_never_used(place: ApiPlace, act: str) -> None:
    run, key = place.run_of("kim"), {"Idempotency-Key": "c-1"}
    path = f"/v1/runs/{run}/{act}"
    if act == "resume":
        assert place.ask("kim", "POST", f"/v1/runs/{run}/cancel").status_code == 202
        drive(place.platform, [run])
    assert place.ask("kim", "POST", path, headers=key).status_code == 202
    drive(place.platform, [run])
    assert place.ask("kim", "POST", path, headers=key).status_code == 202
    place.now += KEPT_S + 1
    late = place.ask("kim", "POST", path, headers=key)
    assert (late.status_code, late.json()["code"]) == (
        409,
        f"run.not-{'cancellable' if act == 'cancel' else 'resumable'}",
    )


def test_a_cancel_and_a_resume_that_come_again_are_answered_as_before(place: ApiPlace) -> None:
    run = place.run_of("kim")
    key = {"Idempotency-Key": "c-1"}
    assert place.ask("kim", "POST", f"/v1/runs/{run}/cancel", headers=key).status_code == 202
    drive(place.platform, [run])
    again = place.ask("kim", "POST", f"/v1/runs/{run}/cancel", headers=key)
    assert (again.status_code, again.json()["run"]["state"]) == (202, "cancelled")
    late = place.ask("kim", "POST", f"/v1/runs/{run}/cancel", headers={"Idempotency-Key": "c-2"})
    assert (late.status_code, late.json()["code"]) == (409, "run.not-cancellable")
    key = {"Idempotency-Key": "r-1"}
    assert place.ask("kim", "POST", f"/v1/runs/{run}/resume", headers=key).status_code == 202
    drive(place.platform, [run])
    again = place.ask("kim", "POST", f"/v1/runs/{run}/resume", headers=key)
    assert (again.status_code, again.json()["run"]["state"]) == (202, "succeeded")
    otherwise = place.ask("kim", "POST", f"/v1/runs/{run}/cancel", headers=key)
    assert otherwise.status_code >= 400
    entries = [json.loads(entry) for _actor, action, entry in place.log() if action in ("run.cancel", "run.resume")]
    assert [(one["action"], one["outcome"], one["facts"].get("codes")) for one in entries] == [
        ("run.cancel", "done", None),
        ("run.cancel", "refused", ["run.not-cancellable"]),
        ("run.resume", "done", None),
        ("run.cancel", "refused", ["api.key-used-otherwise"]),
    ]


def test_faults_of_a_file_come_with_their_places_all_at_once(place: ApiPlace) -> None:
    text = PIPELINE.replace("uses: probe", "uses: prope").replace(
        "useClass: administration", "useClass: adminstration"
    )
    response = place.ask("kim", "POST", "/v1/pipelines/plan", json={"text": text, "file": "my.yaml"})
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    places = {(one["file"], one["line"]) for one in response.json()["problems"]}
    assert places == {("my.yaml", 5), ("my.yaml", 7)}
    korean = place.ask(
        "kim", "POST", "/v1/pipelines/plan", json={"text": text}, headers={"Accept-Language": "ko-KR"}
    )
    assert korean.headers["content-language"] == "ko"
    assert korean.json()["title"] != response.json()["title"]


WANTING = PIPELINE.replace("  stages:", '  inputs: {corpus: {dataset: "file:docs"}}\n  stages:')
ON_GPUS = PIPELINE.replace("with: {text: x}}", "with: {text: x}, resources: {gpusPerWorker: 1}}").replace(
    "  stages:", "  grant: nap-9\n  stages:"
)


def told_of(place: ApiPlace, text: str, path: str = "/v1/pipelines/plan") -> tuple[int, str, set[str]]:
    body = place.ask("kim", "POST", path, json={"text": text}).json()
    if "problems" not in body:
        return 200, "", {one["code"] for one in body["obstacles"]}
    return body["status"], body["code"], {one["code"] for one in body["problems"]}


def test_a_fault_of_the_file_and_an_input_that_is_missing_are_told_at_once_and_as_a_fault_of_the_file(
    place: ApiPlace,
) -> None:
    text = WANTING.replace("useClass: administration", "useClass: adminstration")
    assert told_of(place, text) == (422, "spec.not-allowed", {"spec.not-allowed", "run.input-missing"})
    body = place.ask("kim", "POST", "/v1/pipelines/plan", json={"text": text}).json()
    assert body["detail"].endswith("This is one of 2 problems; `problems` has all of them.")
    (missing,) = [one for one in body["problems"] if one["code"] == "run.input-missing"]
    assert "`bongsu submit` send" in missing["message"]
    assert "`uploaded`" in missing["message"]


def test_what_gpus_lack_is_told_at_once_whatever_else_is_wrong(place: ApiPlace) -> None:
    lacking = {"plan.beyond-executor", "grants.not-paid"}
    assert told_of(place, ON_GPUS)[2] >= lacking
    assert told_of(place, ON_GPUS, "/v1/runs")[2] >= lacking
    wanting = ON_GPUS.replace("  stages:", '  inputs: {corpus: {dataset: "file:docs"}}\n  stages:')
    assert told_of(place, wanting) == (403, "grants.not-paid", lacking | {"run.input-missing"})
    faulty = wanting.replace("useClass: administration", "useClass: adminstration")
    assert "Of mnd there is no grant nap-9" in str(
        place.ask("kim", "POST", "/v1/runs", json={"text": faulty}).json()
    )
    assert told_of(place, faulty)[2] == lacking | {"run.input-missing", "spec.not-allowed"}


def test_a_grant_that_is_not_named_is_told_once(place: ApiPlace) -> None:
    told = told_of(place, ON_GPUS.replace("  grant: nap-9\n", ""))
    assert told == (422, "spec.gpu-without-grant", {"plan.beyond-executor", "spec.gpu-without-grant"})


def test_pages_hold_every_run_once_in_order_while_others_are_added(place: ApiPlace) -> None:
    made = []
    for number in range(7):
        place.now += 1 if number % 2 else 0  # some are of the same moment
        made.append(place.run_of("kim", f"p-{number}"))
    seen: list[str] = []
    cursor = ""
    while True:
        page = place.ask("kim", "GET", "/v1/runs", params={"limit": 2, "cursor": cursor}).json()
        seen += [one["id"] for one in page["items"]]
        if not page["next"]:
            break
        cursor = page["next"]
        place.now += 1
        place.run_of("kim", f"late-{len(seen)}")
    assert sorted(seen) == sorted(made)
    assert len(seen) == 7


@pytest.mark.parametrize("cursor", ["x", "W10", "bnVsbA", "WyJhIl0", "eyJhIjoxfQ", "Wzk5OTk5XQ", "/" * 50])
def test_a_cursor_that_is_none_is_told(place: ApiPlace, cursor: str) -> None:
    response = place.ask("kim", "GET", "/v1/runs", params={"cursor": cursor})
    assert (response.status_code, response.json()["code"]) == (400, "api.bad-cursor")


def test_a_cursor_of_another_filter_is_told(place: ApiPlace) -> None:
    for number in range(3):
        place.run_of("kim", f"p-{number}")
    page = place.ask("kim", "GET", "/v1/runs", params={"limit": 1}).json()
    params = {"limit": 1, "cursor": page["next"], "filter": "state = pending"}
    assert place.ask("kim", "GET", "/v1/runs", params=params).json()["code"] == "api.bad-cursor"


def test_filters_and_fields(place: ApiPlace) -> None:
    one, two = place.run_of("kim", "one"), place.run_of("kim", "two")
    drive(place.platform, [one])

    def found(text: str) -> set[str]:
        response = place.ask("kim", "GET", "/v1/runs", params={"filter": text, "fields": "id"})
        assert response.status_code == 200, response.text
        return {item["id"] for item in response.json()["items"]}

    assert found("state = succeeded") == {one}
    assert found("state : pending, running") == {two}
    assert found('pipeline = "two" AND state != failed') == {two}
    assert found('createdAt >= "2100-01-01T00:00:00Z"') == set()
    assert found("submittedBy = kim") == {one, two}
    listed = place.ask("kim", "GET", "/v1/runs", params={"fields": "submittedBy"}).json()["items"]
    assert {each["submittedBy"] for each in listed} == {"kim"}
    assert place.ask("kim", "GET", f"/v1/runs/{one}").json()["run"]["submittedBy"] == "kim"
    refused = place.ask("kim", "GET", "/v1/runs", params={"filter": "plan = x"})
    assert (refused.status_code, refused.json()["code"]) == (400, "api.unknown-field")
    refused = place.ask("kim", "GET", "/v1/runs", params={"fields": "secret"})
    assert refused.json()["code"] == "api.unknown-field"


@pytest.mark.parametrize(
    "text", ["x' OR '1'='1", "x'; DROP TABLE runs; --", "%", "x' UNION SELECT id FROM runs --"]
)
def test_what_is_asked_for_stays_a_value_and_is_no_statement(place: ApiPlace, text: str) -> None:
    run = place.run_of("kim")
    place.permit_use(ministry="army")
    of_the_army = place.run_of("army-eng")
    filtered = place.ask("kim", "GET", "/v1/runs", params={"filter": f'pipeline = "{text}"'})
    assert (filtered.status_code, filtered.json()["items"]) == (200, []), filtered.text
    assert place.ask("kim", "GET", f"/v1/runs/{quote(text, safe='')}").status_code == 404
    for person, own in (("kim", run), ("army-eng", of_the_army)):
        assert [one["id"] for one in place.ask(person, "GET", "/v1/runs").json()["items"]] == [own]


def test_who_has_it_already_is_told_so(place: ApiPlace) -> None:
    run = place.run_of("kim")
    first = place.ask("kim", "GET", f"/v1/runs/{run}")
    tag = {"If-None-Match": first.headers["etag"]}
    again = place.ask("kim", "GET", f"/v1/runs/{run}", headers=tag)
    assert (again.status_code, again.content) == (304, b"")
    drive(place.platform, [run])
    assert place.ask("kim", "GET", f"/v1/runs/{run}", headers=tag).status_code == 200


def test_events_are_followed_from_any_entry_to_the_end(place: ApiPlace) -> None:
    run = place.run_of("kim")
    drive(place.platform, [run])
    path = f"/v1/runs/{run}/events"
    listed = place.ask("kim", "GET", path).json()["items"]
    stream = place.ask("kim", "GET", path, headers={"Accept": "text/event-stream", "Last-Event-ID": "2"}).text
    numbers = [int(line.removeprefix("id: ")) for line in stream.splitlines() if line.startswith("id: ")]
    assert numbers == [one["sequence"] for one in listed if one["sequence"] > 2]
    assert stream.rstrip().endswith("event: end\ndata: {}")
    data = [json.loads(line.removeprefix("data: ")) for line in stream.splitlines() if line.startswith('data: {"')]
    assert data == listed[2:]


def test_a_long_log_is_read_in_parts_and_the_run_is_not_read_again_with_each(
    place: ApiPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = place.run_of("kim")
    drive(place.platform, [run])
    path = f"/v1/runs/{run}/events"
    listed = place.ask("kim", "GET", path).json()["items"]
    with place.asked() as statements:
        page = place.ask("kim", "GET", path, params={"limit": 2, "after": 1}).json()
    assert [one["sequence"] for one in page["items"]] == [2, 3]
    assert [" LIMIT " in one for one in statements if "FROM run_events" in one] == [True]
    behind = place.ask("kim", "GET", path, params={"limit": 2, "after": 1, "cursor": page["next"]}).json()
    assert behind["items"][0]["sequence"] == 4
    monkeypatch.setattr(events, "AT_ONCE", 2)
    with place.asked() as statements:
        stream = place.ask("kim", "GET", path, headers={"Accept": "text/event-stream"}).text
    numbers = [int(line.removeprefix("id: ")) for line in stream.splitlines() if line.startswith("id: ")]
    assert numbers == [one["sequence"] for one in listed]
    looks = [one for one in statements if "FROM run_events" in one]
    assert len(looks) == len(listed) // 2 + 1
    assert all(" LIMIT " in one for one in looks)
    assert not any("runs.plan" in one.partition("FROM")[0].replace("plan_hash", "") for one in statements)
    assert not any("FROM attempts" in one or "FROM stages" in one for one in statements)


def test_what_is_too_large_and_what_is_no_json_is_told(place: ApiPlace) -> None:
    large = place.ask("kim", "POST", "/v1/runs", content=b"x" * 2_000_001)
    assert (large.status_code, large.json()["code"]) == (413, "api.too-large")
    broken = place.ask("kim", "POST", "/v1/runs", content=b"{", headers={"Content-Type": "application/json"})
    assert (broken.status_code, broken.json()["code"]) == (422, "api.bad-request")
    unknown = place.ask("kim", "POST", "/v1/runs", json={"text": PIPELINE, "more": 1})
    assert unknown.json()["code"] == "api.bad-request"


def test_who_asks_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    place = ApiPlace(tmp_path, requests_a_minute=8)
    answers = [place.ask("kim", "GET", "/v1/me") for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 429, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert place.ask("lee", "GET", "/v1/me").status_code == 200, "others are not held up"
    place.close()


def test_each_answer_has_the_number_of_its_request(place: ApiPlace) -> None:
    given = place.ask("kim", "GET", "/v1/me", headers={"X-Request-ID": "abc-12345678"})
    assert given.headers["x-request-id"] == "abc-12345678"
    odd = place.ask("kim", "GET", "/v1/nothing", headers={"X-Request-ID": "a b"})
    assert odd.status_code == 404
    assert odd.json()["instance"] == f"urn:bongsu:request:{odd.headers['x-request-id']}"
