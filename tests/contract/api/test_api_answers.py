"""Answers are as the document of the API says: whatever is asked in these tests is held to it by the client of
:mod:`api_places`; here is what the others do not ask."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from typing import Any

import openapi_answers
import pytest
from api_places import PIPELINE
from filled_places import FOREIGN, SEVERAL, FilledPlace
from governed_places import DAY

from bongsu.domain.documents import iso_time


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FilledPlace]:
    made = FilledPlace(tmp_path_factory.mktemp("filled"))
    yield made
    made.close()


def done(place: FilledPlace, path: str, person: str = SEVERAL, **body: Any) -> Any:
    """The document that came of a POST."""
    response = place.ask(person, "POST", path, json=body or None)
    assert response.is_success, response.text
    return response.json()


def window(place: FilledPlace) -> dict[str, Any]:
    return {"beginsAt": iso_time(place.now), "endsAt": iso_time(place.now + 30 * DAY)}


def test_uses_and_permits(place: FilledPlace) -> None:
    use = done(
        place,
        "/v1/uses",
        ministry="mnd",
        useClass="medical-support",
        tier="I",
        statement="Summarise reports of doctors",
        conditions="",
        owner="lee",
        evidence="https://example.org",
        evidenceAt=iso_time(place.now),
        **window(place),
    )
    assert done(place, f"/v1/ministries/mnd/uses/{use['id']}/withdraw", reason="Over")["withdrawnAt"]
    wanted = {"ministry": "mnd", "name": "secret-law", "version": 1, "useClasses": ["medical-support"]}
    permit = done(place, "/v1/data-permits", card="https://example.org", reason="Asked", **wanted, **window(place))
    assert done(place, f"/v1/ministries/mnd/data-permits/{permit['id']}/revoke", reason="Over")["revokedAt"]
    wanted = {"object": "model:plain/1", "giver": "mnd", "ministry": "army", "purpose": "administration"}
    permit = done(place, "/v1/access-permits", reason="Asked", **wanted, **window(place))
    assert done(place, f"/v1/ministries/mnd/access-permits/{permit['id']}/revoke")["revokedAt"]


def test_proposals(place: FilledPlace) -> None:
    first, second = place.known["proposal"]
    path = f"/v1/ministries/mnd/approvals/{first}"
    digest = place.ask(SEVERAL, "GET", path).json()["digest"]
    assert done(place, f"{path}/reject", digest=digest, reason="No")["state"] == "rejected"
    withdrawn = done(place, f"/v1/ministries/mnd/approvals/{second}/withdraw", "lee", reason="No")
    assert withdrawn["state"] == "withdrawn"
    lift = done(place, "/v1/suspensions/lift", ministry="mnd", name="stopped", version=None, reason="It is mended")
    assert lift["binding"]["kind"] == "lift"


def test_grants(place: FilledPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/v1/grants/{place.known['grant'][0]}"
    assert place.ask(SEVERAL, "GET", f"{path}/recount").json()["differing"] == []
    done(place, f"{path}/reclaim", gpuHours=1.0, reason="Unused")
    assert done(place, f"{path}/reclaim/withdraw")["reason"] == "Unused"
    done(place, f"{path}/reclaim", gpuHours=1.0, reason="Unused")
    monkeypatch.setattr(place, "now", place.now + 8 * DAY)
    assert done(place, f"{path}/reclaim/apply")["kind"] == "reclaimed"
    assert done(place, f"{path}/close", reason="Over")["closedAt"]


def test_what_is_handed_in(place: FilledPlace) -> None:
    assert done(place, "/v1/pipelines/validate", text=PIPELINE)["stages"] == 1
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("law.txt")
        entry.size = 3
        archive.addfile(entry, io.BytesIO(b"law"))
    headers = {"Content-Type": "application/x-tar"}
    sent = {"content": packed.getvalue(), "params": {"title": "law"}, "headers": headers}
    taken = place.ask(SEVERAL, "POST", "/v1/ministries/mnd/artifacts", **sent)
    assert taken.status_code == 201, taken.text
    digest = taken.json()["digest"]
    made = done(place, "/v1/ministries/mnd/datasets", name="law", uri=f"artifact:{digest}", grade="S")
    assert (made["ministry"], made["digest"]) == ("mnd", digest)


def test_what_is_asked_for_in_part_has_only_that(place: FilledPlace) -> None:
    found = place.ask(FOREIGN, "GET", "/v1/models", params={"fields": "name,version"}).json()["items"]
    assert found
    assert all(set(one) == {"name", "version"} for one in found)


@pytest.mark.parametrize("change", [{"items": {"type": "integer"}}, {"next": {"type": "integer"}}])
def test_an_answer_that_is_not_as_the_document_says_is_noticed(
    place: FilledPlace, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    document = openapi_answers.described_app().openapi()
    schema = document["paths"]["/v1/models"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    monkeypatch.setattr(openapi_answers, "_document", lambda: document)
    openapi_answers._addresses.cache_clear()
    monkeypatch.setitem(schema, "properties", schema["properties"] | change)
    with pytest.raises(AssertionError, match=r"GET .*/v1/models"):
        place.ask(SEVERAL, "GET", "/v1/models")
    openapi_answers._addresses.cache_clear()
