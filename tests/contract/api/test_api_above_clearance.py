"""Bytes that carry a label above somebody's clearance: refused in words that do not tell it."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_places import ApiPlace
from governed_places import SENSITIVE, STAFF

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Grade, Label
from bongsu.domain.people import Role
from bongsu.service import datasets as service
from bongsu.service.refusals import Refusals
from bongsu.store.artifacts import find_owned, note_artifact
from bongsu.store.database import Database
from bongsu.store.datasets import list_dataset_versions

HIDDEN = Label(grade=Grade.SENSITIVE, compartments=frozenset({"blue"}))
CARD = "# plans\n"


@pytest.fixture
def place(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiPlace]:
    made = ApiPlace(tmp_path, database)
    for person, role in (("eng", Role.ENGINEER), ("cus", Role.DATA_CUSTODIAN)):
        made.add_person(person, "mnd", role, SENSITIVE)
        monkeypatch.setitem(STAFF, person, ("mnd", role))
    yield made
    made.close()


def archive(card: str = CARD) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        entry = tarfile.TarInfo("README.md")
        entry.size = len(card)
        tar.addfile(entry, io.BytesIO(card.encode()))
    return held.getvalue()


def upload(place: ApiPlace, person: str) -> Any:
    return place.ask(person, "POST", "/v1/ministries/mnd/artifacts?title=plans", content=archive())


def hide(place: ApiPlace, digest: str) -> None:
    with place.platform.write() as connection:
        ref = ArtifactRef(digest=Digest(digest), type=ArtifactType.DOCUMENTS, label=HIDDEN, size=len(CARD))
        note_artifact(connection, ref, "plans", place.now)


def refusals(place: ApiPlace, action: str) -> list[tuple[str, list[str], list[str]]]:
    """Who was refused, by which codes and rules."""
    entries = [json.loads(row[2]) for row in place.log()]
    refused = [one for one in entries if (one["action"], one["outcome"]) == (action, "refused")]
    return [(one["actor"], one["facts"]["codes"], one["facts"]["rules"]) for one in refused]


def check_refused(response: Any) -> None:
    assert (response.status_code, response.json()["code"]) == (403, "access.above-clearance"), response.text
    assert "blue" not in response.text
    assert "clearance, which is S" in response.text


def test_known_bytes_that_are_sent_again_do_not_tell_their_label(place: ApiPlace) -> None:
    first = upload(place, "eng")
    assert first.status_code < 300, first.text
    hide(place, first.json()["digest"])
    check_refused(upload(place, "eng"))


def test_who_may_only_send_files_raises_nothing_that_is_known_by_stating_a_label_beside_them(
    place: ApiPlace,
) -> None:
    first = upload(place, "eng")
    path = "/v1/ministries/mnd/artifacts?title=plans&label=S"
    for person in ("eng", "cus"):
        again = place.ask(person, "POST", path, content=archive())
        assert (again.status_code, again.json()["code"]) == (403, "label.known-lower"), again.text
        assert "bongsu labels raise" in again.text
    with place.platform.read() as connection:
        known = find_owned(connection, Digest(first.json()["digest"]))
    assert known is not None
    assert known.label == "O"
    stated = place.ask("eng", "POST", path, content=archive("# other plans\n"))
    assert (stated.status_code, stated.json()["label"]) == (201, "S"), "what is new carries what is stated of it"
    same = place.ask("eng", "POST", path, content=archive("# other plans\n"))
    assert (same.status_code, same.json()["label"]) == (201, "S")


def test_who_sends_bytes_that_are_known_for_more_is_on_record(
    place: ApiPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    monkeypatch.setattr(Refusals, "note", lambda _self, actor: counted.append(actor))
    first = upload(place, "eng")
    hide(place, first.json()["digest"])
    check_refused(upload(place, "eng"))
    check_refused(
        place.ask("eng", "POST", "/v1/ministries/mnd/artifacts?title=plans&label=C", content=archive("x"))
    )
    assert refusals(place, "artifact.add") == [("eng", ["access.above-clearance"], ["access.clearance"])] * 2
    assert counted == ["eng"] * 2, "and counted, as other refusals are"


def test_nobody_registers_data_with_a_label_above_their_own(place: ApiPlace) -> None:
    body = {"name": "law-again", "uri": f"artifact:{place.law}", "grade": "C"}
    check_refused(place.ask("cus", "POST", "/v1/ministries/mnd/datasets", json=body))
    with place.platform.read() as connection:
        assert list_dataset_versions(connection, "law-again") == []
    assert refusals(place, "dataset.add") == [("cus", ["access.above-clearance"], ["access.clearance"])]


def test_a_label_that_rises_while_data_is_registered_is_not_told(
    place: ApiPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = service.resolve_input

    def then_hide(*args: Any) -> Any:
        found = looked_at(*args)
        hide(place, found.ref.digest)
        return found

    monkeypatch.setattr(service, "resolve_input", then_hide)
    body = {"name": "law-again", "uri": f"artifact:{place.law}"}
    check_refused(place.ask("cus", "POST", "/v1/ministries/mnd/datasets", json=body))
    with place.platform.read() as connection:
        assert list_dataset_versions(connection, "law-again") == []
    assert refusals(place, "dataset.add") == [("cus", ["access.above-clearance"], ["access.clearance"])]


def test_who_states_a_label_that_they_could_not_look_at_is_on_record(place: ApiPlace) -> None:
    body = {"of": "datasets:/law/1", "grade": "C", "reason": "It is a plan of operations"}
    check_refused(place.ask("cus", "POST", "/v1/ministries/mnd/labels", json=body))
    assert refusals(place, "label.raise") == [("cus", ["access.above-clearance"], ["access.clearance"])]
