"""Bundles through the API: who is given one, who is not, and who may take one in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_places import ApiPlace
from bundle_places import Giver, bundled, document_of

from bongsu.domain.labels import Label
from bongsu.domain.people import Actor, ActorKind, Role

AT = "/v1/ministries/mnd/models/axk1/1/bundle"
INTO = "/v1/ministries/army/model-bundles"


class GivingApi(Giver, ApiPlace):
    """The API over a giver's store, whose site is called ``bongsu``; whoever has an account may ask."""

    def identify(self, token: str) -> Actor:
        return self.actor(token)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[GivingApi]:
    made = GivingApi(tmp_path, Label.parse("S"))
    yield made
    made.close()


def given(api: GivingApi, person: str = "kim", target: str = "army") -> Any:
    return api.ask(person, "GET", AT, params={"target": target})


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["problems"][0]["code"]


def keys(api: GivingApi, ministry: str = "mnd") -> list[str]:
    return list(map(str, api.plane.log_keys().public(ministry)))  # type: ignore[arg-type]


def sent(api: GivingApi, data: bytes, person: str = "army-dc", into: str = INTO, **query: Any) -> Any:
    return api.ask(
        person,
        "POST",
        into,
        content=data,
        headers={"Content-Type": "application/x-tar"},
        params={"key": keys(api), "title": "axk1.bundle"} | query,
    )


def actions(api: GivingApi, ministry: str = "mnd") -> list[tuple[str, str, str]]:
    return [(who, did, json.loads(entry)["outcome"]) for who, did, entry in api.log(ministry)]


def test_what_is_approved_is_given_and_recorded(api: GivingApi) -> None:
    answer = given(api)
    assert answer.status_code == 200, answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.headers["bongsu-document"].startswith("sha256-")
    entry = json.loads(next(entry for _who, did, entry in reversed(api.log()) if did == "model.export"))
    assert (entry["actor"], entry["object"], entry["label"], entry["outcome"]) == (
        "kim",
        "model:axk1/1",
        "S",
        "done",
    )
    assert entry["facts"]["document"] == answer.headers["bongsu-document"]
    assert entry["facts"]["target"] == "army"
    assert entry["facts"]["approvals"] == [api.approved.binding.digest]


def test_the_log_has_it_before_the_first_byte_is_read(api: GivingApi) -> None:
    """Whoever breaks off at once was given it all the same."""
    with api.http.stream("GET", AT, params={"target": "army"}, headers={"Authorization": "Bearer kim"}) as answer:
        assert answer.status_code == 200
        assert ("kim", "model.export", "done") in actions(api)


def test_for_another_ministry_there_is_no_such_thing(api: GivingApi) -> None:
    foreign = given(api, "army-eng")
    assert code(foreign) == (404, "access.not-a-member")
    assert "axk1" not in foreign.text


def test_for_who_is_not_cleared_there_is_no_such_thing(api: GivingApi) -> None:
    api.add_person("low", "mnd", Role.ENGINEER, Label())
    assert code(given(api, "low")) == (404, "governance.no-such")
    never = api.ask("low", "GET", AT.replace("axk1", "never"), params={"target": "army"})
    assert code(never) == (404, "governance.no-such")
    assert ("low", "model.launch", "refused") in actions(api)


@pytest.mark.parametrize("person", ["lee", "ann", "aud"])
def test_who_may_not_read_the_bytes_is_given_none(api: GivingApi, person: str) -> None:
    assert code(given(api, person)) == (403, "governance.not-permitted")


def test_for_what_nobody_approved_it_is_not_given(api: GivingApi) -> None:
    assert code(given(api, target="mnd")) == (403, "model.not-approved")
    assert code(given(api, target="army/bongsu.army.example")) == (403, "model.not-approved")
    assert code(given(api, target="nobody")) == (422, "approval.bad-target")
    assert code(given(api, target="../army")) == (422, "bundle.bad-target")
    assert ("kim", "model.export", "done") not in actions(api)


def test_an_installation_has_an_approval_of_its_own(api: GivingApi) -> None:
    api.transfer("army/bongsu.army.example")
    assert given(api, target="army/bongsu.army.example").status_code == 200


def test_a_suspended_model_is_not_given(api: GivingApi) -> None:
    api.suspend()
    assert code(given(api)) == (403, "model.not-approved")


def test_what_was_revoked_after_its_approval_is_not_given(api: GivingApi) -> None:
    """The permit of its data, the evidence, the label: each is looked at at this moment."""
    api.revoke_data()
    assert code(given(api)) == (403, "data.not-permitted")


def test_after_its_evidence_has_ended_it_is_not_given(api: GivingApi) -> None:
    api.now += 91 * 86_400
    assert code(given(api)) == (403, "model.not-approved")


def test_a_model_whose_label_was_raised_is_not_given(api: GivingApi) -> None:
    api.raise_label("C")
    assert code(given(api)) == (403, "model.not-approved")


def test_a_model_whose_bytes_changed_is_not_given(api: GivingApi) -> None:
    file = next((api.folder / "artifacts" / "trees").rglob(f"{api.model}/config.json"))
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[::-1])
    answer = given(api)
    assert answer.json()["problems"][0]["code"] == "model.bytes-changed"
    assert ("kim", "model.export", "done") not in actions(api)


def test_a_custodian_takes_it_in_once(api: GivingApi) -> None:
    data = given(api).content
    first = sent(api, data)
    assert first.status_code == 201, first.text
    taken = first.json()
    assert (taken["digest"], taken["label"], taken["model"], taken["created"]) == (api.model, "S", "axk1/1", True)
    assert taken["signer"] == keys(api)[0]
    again = sent(api, data)
    assert (again.status_code, again.json()) == (200, taken | {"created": False})
    entries = [json.loads(entry) for _who, did, entry in api.log("army") if did == "model.import"]
    (entry,) = entries
    assert (entry["actor"], entry["label"], entry["object"]) == ("army-dc", "S", "bundle:axk1.bundle")
    assert entry["facts"]["document"] == taken["document"]
    assert entry["facts"]["signer"] == taken["signer"]
    assert entry["facts"]["origin"] == "bongsu/mnd"
    shown = api.ask("army-eng", "GET", f"/v1/ministries/army/artifacts/{api.model}")
    assert (shown.status_code, shown.json()["label"], shown.json()["title"]) == (200, "S", "axk1/1 of bongsu/mnd")
    label = api.ask("army-eng", "GET", "/v1/ministries/army/labels", params={"of": f"artifact:{api.model}"}).json()
    assert label["parts"][0]["origins"][0]["title"] == "bundle: axk1/1 of bongsu/mnd"


@pytest.mark.parametrize("person", ["army-eng", "army-ann", "army-acc", "army-aud"])
def test_nobody_else_takes_one_in(api: GivingApi, person: str) -> None:
    assert code(sent(api, given(api).content, person)) == (403, "access.forbidden")


def test_a_service_account_takes_none_in(api: GivingApi) -> None:
    """Somebody has to answer for whose key it is."""
    api.add_person("robot", "army", Role.DATA_CUSTODIAN, kind=ActorKind.SERVICE)
    assert code(sent(api, given(api).content, "robot")) == (403, "access.people-decide")


def test_into_another_ministry_nobody_takes_one(api: GivingApi) -> None:
    assert code(sent(api, given(api).content, "dc")) == (404, "access.not-a-member")


def test_who_may_not_see_it_does_not_take_it_in(api: GivingApi) -> None:
    api.add_person("army-low", "army", Role.DATA_CUSTODIAN, Label())
    assert code(sent(api, given(api).content, "army-low")) == (403, "access.above-clearance")
    assert ("army-low", "model.import", "refused") in actions(api, "army")


def test_what_is_for_somebody_else_is_not_taken_in(api: GivingApi) -> None:
    data = given(api).content
    other = sent(api, data, "dc", "/v1/ministries/mnd/model-bundles")
    assert code(other) == (403, "bundle.other-target")
    assert "army" in other.json()["problems"][0]["message"]


def test_a_key_that_was_not_named_has_signed_nothing(api: GivingApi) -> None:
    data = given(api).content
    assert code(sent(api, data, key=keys(api, "army"))) == (403, "bundle.unsigned")
    assert code(sent(api, data, key=["bongsu/mnd+00000000+AAAA"])) == (422, "audit.bad-key")
    assert sent(api, data, key=[]).status_code == 422


def test_one_may_be_larger_than_other_requests(api: GivingApi) -> None:
    files = {"weights": bytes(3_000_000)}
    document = document_of(files, Label(), api.plane.log_keys())
    assert sent(api, bundled(document, files, api.plane.log_keys())).status_code == 201


def test_what_is_no_bundle_is_told(api: GivingApi) -> None:
    assert code(sent(api, b"")) == (422, "bundle.truncated")
    assert code(sent(api, bytes(10_000))) == (422, "bundle.malformed")
    assert list(api.folder.glob("bongsu-upload-*")) == []
