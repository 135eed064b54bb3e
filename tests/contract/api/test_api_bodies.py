"""Bodies that no sensible client sends: each is refused with what is wrong and where, and none is a fault of ours."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from api_places import ApiPlace
from fastapi.routing import APIRoute, iter_route_contexts
from governed_places import STAFF

from bongsu.api.app import described_app
from bongsu.api.bodies import Body
from bongsu.domain.documents import iso_time
from bongsu.domain.people import Role

DAY = 86_400.0
READ_AS_DATACLASSES = ("/v1/uses", "/v1/approvals", "/v1/grants", "/v1/suspensions")
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiPlace]:
    monkeypatch.setitem(STAFF, "army-pm", ("army", Role.PROGRAMME_MANAGER))
    made = ApiPlace(tmp_path)
    made.permit_use()
    made.permit_data()
    made.register()
    yield made
    made.close()


def refused(response: Any, status: int = 422) -> dict[str, str]:
    """Places of what cannot be read, and what the answer says of each."""
    assert response.status_code == status, response.text
    assert {one["code"] for one in response.json()["problems"]} == {"api.bad-request"}
    told = [one["message"].removeprefix("The request cannot be read at ") for one in response.json()["problems"]]
    return dict(message.rstrip(".").split(": ", 1) for message in told)


def proposal(place: ApiPlace, **changed: Any) -> dict[str, Any]:
    found = {"ministry": "mnd", "kind": "promotion", "object": "model:axk1/1", "target": "production"}
    return found | {"reason": "It is better", "evidenceEndsAt": iso_time(place.now + 90 * DAY)} | changed


def grant(place: ApiPlace, **changed: Any) -> dict[str, Any]:
    found = {"id": "nap-1", "giver": "army", "receiver": "mnd", "programme": "nap", "accelerator": "H100"}
    return found | {"gpuHours": 100.0, "begins": place.now, "ends": place.now + 30 * DAY} | changed


def sent(place: ApiPlace, path: str, text: str) -> Any:
    return place.ask("army-pm" if path == "/v1/grants" else "lee", "POST", path, content=text, headers=JSON)


@pytest.mark.parametrize("path", READ_AS_DATACLASSES)
@pytest.mark.parametrize(
    "text", ["[" * 200_000, '{"a":' * 90_000, '{"reason":' + "[" * 500 + "]" * 500 + "}", "[]", "", "\x00"]
)
def test_what_is_no_document_is_refused_however_deep_it_is(place: ApiPlace, path: str, text: str) -> None:
    for place_, fault in refused(sent(place, path, text)).items():
        assert place_.startswith("body")
        assert fault.startswith(("it is nested deeper than 32 levels", "it is not JSON", "it is no object"))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e18", "1e999", "1" + "0" * 400, "-1e300"])
def test_a_number_that_is_none_or_beyond_all_sense_is_refused(place: ApiPlace, number: str) -> None:
    for path, key, document in (
        ("/v1/approvals", "evidenceEndsAt", proposal(place)),
        ("/v1/grants", "gpuHours", grant(place)),
        ("/v1/grants/nap-1/adjust", "gpuHours", {"reason": "As agreed"}),
    ):
        text = json.dumps(document | {key: "HERE"}).replace('"HERE"', number)
        assert list(refused(sent(place, path, text))) == [f"body.{key}"]


@pytest.mark.parametrize("character", ["\\ud800", "\\u0000", "\\u001b", "\\u202e", "\\u200b"])
def test_a_text_with_a_character_that_nobody_sees_is_refused(place: ApiPlace, character: str) -> None:
    for path, document in (
        ("/v1/approvals", proposal(place)),
        ("/v1/grants/nap-1/close", {}),
        ("/v1/ministries/mnd/approvals/p-1/withdraw", {}),
    ):
        text = json.dumps(document | {"reason": "HERE"}).replace("HERE", f"x{character}")
        told = refused(sent(place, path, text))
        assert list(told) == ["body.reason"]
        assert told["body.reason"].startswith("it holds U+")


def test_every_fault_of_a_body_is_told_at_once_in_words_of_the_fields(place: ApiPlace) -> None:
    permit = {"ministry": 7, "useClasses": ["x"], "beginsAt": 1, "endsAt": "2026-07-01", "extra": 1}
    told = refused(place.ask("dc", "POST", "/v1/data-permits", json=permit))
    assert set(told) == {
        f"body.{key}"
        for key in ("ministry", "name", "version", "useClasses", "card", "reason", "beginsAt", "endsAt", "extra")
    }
    assert told["body.ministry"] == "it has to be a text"
    assert told["body.version"] == "it is missing, and has to be a whole number"
    assert told["body.useClasses"].startswith("it has to be a list, of which each is one of administration, ")
    for key in ("body.beginsAt", "body.endsAt"):
        assert told[key].startswith("it has to be a time as ISO 8601 writes it, with its zone"), told[key]
    assert told["body.extra"].startswith("there is no such key; there are beginsAt, ")
    assert refused(place.ask("lee", "POST", "/v1/approvals", json=proposal(place, evidenceEndsAt="soon")))


@pytest.mark.parametrize(
    "time", ["9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"]
)
def test_a_time_at_an_end_of_the_calendar_is_none(place: ApiPlace, time: str) -> None:
    permit = {"reason": "They asked", "beginsAt": time, "endsAt": time}
    shared = {"object": "model:axk1/1", "giver": "mnd", "ministry": "army", "purpose": "administration"}
    for path, document, keys in (
        ("/v1/approvals", proposal(place, evidenceEndsAt=time), {"body.evidenceEndsAt"}),
        ("/v1/access-permits", shared | permit, {"body.beginsAt", "body.endsAt"}),
        ("/v1/grants", grant(place, begins=time, ends=time), {"body.begins", "body.ends"}),
    ):
        assert set(refused(place.ask("lee", "POST", path, json=document))) == keys
    assert list(refused(place.ask("lee", "POST", "/v1/grants", json=grant(place, ends=253402300800.0)))) == [
        "body.ends"
    ]
    for who, path in (("army-pm", "/v1/showback"), ("aud", "/v1/ministries/mnd/audit/entries")):
        response = place.ask(who, "GET", path, params={"since": time, "until": time})
        assert response.status_code == 422, response.text


def test_a_time_that_need_not_be_said_may_be_null(place: ApiPlace) -> None:
    made = place.ask("lee", "POST", "/v1/approvals", json=proposal(place, evidenceEndsAt=None))
    assert {one["code"] for one in made.json()["problems"]} == {"approval.no-evidence-end"}, made.text


def test_times_are_written_in_iso_8601_or_as_seconds_everywhere(place: ApiPlace) -> None:
    orders = [grant(place), grant(place, begins=iso_time(place.now), ends=iso_time(place.now + 30 * DAY))]
    given = [place.ask("army-pm", "POST", "/v1/grants", json=one) for one in orders]
    assert [one.status_code for one in given] == [201, 201], given[1].text


def test_every_model_of_a_body_looks_for_what_no_body_may_hold() -> None:
    routes = [found.original_route for found in iter_route_contexts(described_app().routes)]
    fields = [one.body_field for one in routes if isinstance(one, APIRoute) and one.body_field is not None]
    told = [field.field_info.annotation for field in fields]
    models = [one for kind in told for one in get_args(kind) or (kind,) if one is not type(None)]
    assert len(models) > 10
    assert [one for one in models if not (isinstance(one, type) and issubclass(one, Body))] == []


def archive(*names: str) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 1
            tar.addfile(member, io.BytesIO(b"x"))
    return made.getvalue()


def upload(place: ApiPlace, content: bytes, title: str = "files") -> Any:
    path = "/v1/ministries/mnd/artifacts"
    return place.ask("kim", "POST", path, params={"title": title}, content=content)


@pytest.mark.parametrize("title", ["a\x00b", "a\nb", "a\u202eb", "a\tb"])
def test_a_title_is_one_line_that_shows_what_it_says(place: ApiPlace, title: str) -> None:
    assert list(refused(upload(place, archive("a"), title))) == ["query.title"]


@pytest.mark.parametrize("name", ["a\u202etxt.exe", "a\u200bb", "a\u2066b"])
def test_a_file_of_an_artifact_has_a_name_that_shows_what_it_says(place: ApiPlace, name: str) -> None:
    response = upload(place, archive(name))
    assert response.status_code == 422, response.text
    assert response.json()["code"] == "artifact.unsafe-path"


def test_a_path_with_a_line_feed_is_that_of_nothing(place: ApiPlace) -> None:
    digest = upload(place, archive("a")).json()["digest"]
    files = f"/v1/ministries/mnd/artifacts/{digest}/files"
    assert place.ask("kim", "GET", f"{files}/a").content == b"x"
    assert place.ask("kim", "GET", f"{files}/a%0a").status_code == 404
    assert place.ask("kim", "GET", "/v1/uses%0a").status_code == 404
    assert place.ask("kim", "GET", "/v1/ministries/m%00/audit/keys").status_code == 404


@pytest.mark.parametrize(
    ("begins", "ends", "code"),
    [
        ("1995-01-01T00:00:00Z", "2023-01-01T00:00:00Z", "grants.window-over"),
        ("1995-01-01T00:00:00Z", "2024-06-01T00:00:00Z", "grants.window-too-long"),
        ("2023-01-01T00:00:00Z", "2043-01-01T00:00:00Z", "grants.window-too-long"),
        ("2024-01-01T00:00:00Z", "2023-12-01T00:00:00Z", "grants.bad-window"),
    ],
)
def test_a_grant_pays_for_a_time_that_makes_sense(place: ApiPlace, begins: str, ends: str, code: str) -> None:
    response = place.ask("army-pm", "POST", "/v1/grants", json=grant(place, begins=begins, ends=ends))
    assert (response.status_code, response.json()["code"]) == (422, code)


@pytest.mark.parametrize(
    ("begins", "ends", "code"),
    [
        ("0002-01-02T00:00:00Z", "2024-06-01T00:00:00Z", "governance.long-period"),
        ("2023-12-01T00:00:00Z", "9998-12-31T00:00:00Z", "governance.long-period"),
        ("2040-01-01T00:00:00Z", "2041-01-01T00:00:00Z", "governance.long-period"),
        ("1995-01-01T00:00:00Z", "2023-01-01T00:00:00Z", "governance.bad-period"),
    ],
)
def test_a_permit_holds_for_a_time_that_makes_sense(place: ApiPlace, begins: str, ends: str, code: str) -> None:
    window = {"reason": "They asked", "beginsAt": begins, "endsAt": ends}
    shared = {"object": "model:axk1/1", "giver": "mnd", "ministry": "army", "purpose": "administration"}
    data = {
        "ministry": "mnd",
        "name": "law",
        "version": 1,
        "useClasses": ["administration"],
        "card": "document:card-1",
    }
    for path, document in (("/v1/access-permits", shared), ("/v1/data-permits", data)):
        response = place.ask("dc", "POST", path, json=document | window)
        assert (response.status_code, response.json()["code"]) == (422, code), path
