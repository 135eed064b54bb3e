"""What something is declared to be for is read wherever it is declared: refused as in a pipeline, and on record."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_places import ApiPlace
from governed_places import STAFF

from bongsu.domain.people import Role

DECLARED = ["Autonomous sentry gun", "표적처리 자동화"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiPlace]:
    monkeypatch.setitem(STAFF, "army-pm", ("army", Role.PROGRAMME_MANAGER))
    made = ApiPlace(tmp_path)
    yield made
    made.close()


def entries(place: ApiPlace, tenant: str = "mnd") -> list[dict[str, Any]]:
    return [json.loads(row[2]) for row in place.log(tenant)]


def others(problems: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Those that are about something else, and those of a forbidden use."""
    declared = [one for one in problems if one["code"] == "policy.forbidden-use"]
    return [one for one in problems if one not in declared], declared


def archive(**files: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name.replace("_", "."))
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return out.getvalue()


def upload(place: ApiPlace, title: str, **files: str) -> Any:
    address = "/v1/ministries/mnd/artifacts"
    return place.ask("kim", "POST", address, params={"title": title}, content=archive(**files))


def order(place: ApiPlace, **changes: Any) -> dict[str, Any]:
    times = {"begins": place.now, "ends": place.now + 30 * 86_400}
    sides = {"id": "nap-1", "giver": "army", "receiver": "mnd", "programme": "nap"}
    return sides | {"accelerator": "H100", "gpuHours": 100.0} | times | changes


@pytest.mark.parametrize("field", ["programme", "id"])
@pytest.mark.parametrize("declared", ["killer-robots", "sentry-gun-ai", "표적처리"])
def test_a_grant_for_a_forbidden_purpose_is_refused_on_the_givers_record(
    place: ApiPlace, field: str, declared: str
) -> None:
    theirs = len(place.log())
    refused = place.ask("army-pm", "POST", "/v1/grants", json=order(place, **{field: declared}))
    assert (refused.status_code, refused.json()["code"]) == (403, "policy.forbidden-use")
    entry = entries(place, "army")[-1]
    assert (entry["actor"], entry["action"], entry["outcome"]) == ("army-pm", "grant.give", "refused")
    assert entry["facts"]["codes"] == ["policy.forbidden-use"]
    assert entry["facts"]["words"]
    assert len(place.log()) == theirs, "nothing was given, so no receiver hears of it"
    assert place.ask("army-pm", "GET", "/v1/grants").json()["items"] == []


@pytest.mark.parametrize("named", ["targeting", "strike", "교전", "lethal-autonomy"])
@pytest.mark.parametrize(
    ("person", "path", "key", "body", "log", "action"),
    [
        ("acc", "/v1/uses", "useClass", {"ministry": "mnd"}, "mnd", "use.register"),
        ("dc", "/v1/data-permits", "useClasses", {"ministry": "mnd", "name": "law"}, "mnd", "permit.give-data"),
        ("dc", "/v1/access-permits", "purpose", {"giver": "mnd", "ministry": "army"}, "mnd", "permit.give-access"),
        ("army-pm", "/v1/grants", "useClasses", {"giver": "army", "receiver": "mnd"}, "army", "grant.give"),
    ],
)
def test_a_use_class_that_is_outside_of_the_list_is_refused_on_record(
    place: ApiPlace, person: str, path: str, key: str, body: dict[str, str], log: str, action: str, named: str
) -> None:
    """Whatever else is wrong with the request, which is told as well."""
    classes = ["administration", named] if key == "useClasses" else named
    refused = place.ask(person, "POST", path, json=body | {key: classes})
    assert (refused.status_code, refused.json()["code"]) == (403, "policy.forbidden-use")
    rest, (told,) = others(refused.json()["problems"])
    assert (told["field"], {one["code"] for one in rest}) == (key, {"api.bad-request"})
    assert not [one for one in rest if f"body.{key}" in one["message"]]
    entry = entries(place, log)[-1]
    assert (entry["actor"], entry["action"], entry["outcome"]) == (person, action, "refused")
    assert (entry["request"], entry["object"][:10]) == (refused.headers["x-request-id"], "use-class:")
    assert ("policy.forbidden-use" in entry["facts"]["codes"], bool(entry["facts"]["words"])) == (True, True)


@pytest.mark.parametrize("ministry", ["nowhere", 7, None, "x" * 10_000])
def test_who_names_no_ministry_with_it_is_on_record_in_their_own(place: ApiPlace, ministry: Any) -> None:
    refused = place.ask("acc", "POST", "/v1/uses", json={"ministry": ministry, "useClass": "targeting"})
    assert refused.status_code == 403, refused.text
    entry = entries(place)[-1]
    assert (entry["actor"], entry["action"], entry["outcome"]) == ("acc", "use.register", "refused")


def test_a_use_class_that_is_only_mistyped_is_no_attempt(place: ApiPlace) -> None:
    before = len(place.log())
    refused = place.ask("acc", "POST", "/v1/uses", json={"ministry": "mnd", "useClass": "gardening"})
    assert refused.status_code == 422
    assert {one["code"] for one in refused.json()["problems"]} == {"api.bad-request"}
    assert len(place.log()) == before


def test_the_reason_of_an_adjustment_may_quote(place: ApiPlace) -> None:
    assert place.ask("army-pm", "POST", "/v1/grants", json=order(place)).status_code == 201
    change = {"gpuHours": -1, "reason": "A plan with the words 'killer robots' was refused"}
    assert place.ask("army-pm", "POST", "/v1/grants/nap-1/adjust", json=change).status_code == 201


@pytest.mark.parametrize("title", DECLARED)
def test_a_title_of_an_upload_that_declares_it_is_refused_on_record(place: ApiPlace, title: str) -> None:
    refused = upload(place, title, a_txt="a")
    assert (refused.status_code, refused.json()["code"]) == (403, "policy.forbidden-use")
    assert refused.json()["problems"][0]["field"] == "title"
    entry = entries(place)[-1]
    assert (entry["actor"], entry["action"], entry["outcome"]) == ("kim", "artifact.add", "refused")
    assert entry["request"] == refused.headers["x-request-id"]
    assert not list(place.platform.home.glob("bongsu-upload-*"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("card_yaml", "label: {grade: O}\npurpose: Autonomous sentry gun\n"),
        ("README_md", "---\ntitle: 표적처리 자동화\n---\nText\n"),
        ("README_md", "---\nIntended-use: [{task: hunter-killer drones}]\n---\n"),
    ],
)
def test_a_card_that_declares_it_is_refused_on_record(place: ApiPlace, name: str, text: str) -> None:
    refused = upload(place, "letters", a_txt="a", **{name: text})
    assert (refused.status_code, refused.json()["code"]) == (403, "policy.forbidden-use")
    assert entries(place)[-1]["object"] == "upload:letters"


def test_the_text_of_data_is_nobodys_declaration(place: ApiPlace) -> None:
    readme = "---\ntitle: Treaties\nlicense: none\n---\nA debate on killer robots.\n"
    assert upload(place, "treaties", a_txt="Killer robots", README_md=readme).status_code == 201


def test_a_name_of_a_data_set_that_declares_it_is_refused_on_record(place: ApiPlace) -> None:
    digest = upload(place, "letters", a_txt="a").json()["digest"]
    body = {"name": "target-selection", "uri": f"artifact:{digest}"}
    refused = place.ask("dc", "POST", "/v1/ministries/mnd/datasets", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "policy.forbidden-use")
    entry = entries(place)[-1]
    assert (entry["actor"], entry["action"], entry["object"]) == ("dc", "dataset.add", "dataset:target-selection")
    assert entry["outcome"] == "refused"
    assert (
        place.ask("dc", "POST", "/v1/ministries/mnd/datasets", json=body | {"name": "letters"}).status_code == 201
    )


def test_folders_of_uploads_are_cleared_beside_the_event_loop(
    place: ApiPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Very many files may have been unpacked into them, and nobody else is answered meanwhile."""
    delete, cleared, on_the_loop = shutil.rmtree, [], []

    def watched(path: Any, *given: Any, **more: Any) -> None:
        with contextlib.suppress(RuntimeError):
            on_the_loop.append(asyncio.get_running_loop())
        cleared.append(Path(path).name)
        delete(path, *given, **more)

    monkeypatch.setattr(shutil, "rmtree", watched)
    assert upload(place, "law", **{"a.txt": "law"}).status_code == 201
    assert upload(place, "Lethal autonomous targeting", **{"a.txt": "law"}).status_code == 403
    assert len([name for name in cleared if name.startswith("bongsu-upload-")]) == 2
    assert on_the_loop == []
    assert not list(place.platform.home.glob("bongsu-upload-*"))
