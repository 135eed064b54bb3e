"""Bytes that carry a label above somebody's clearance: refused in words that do not tell it."""

from __future__ import annotations

import io
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
from bongsu.store.artifacts import note_artifact
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


def archive() -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        entry = tarfile.TarInfo("README.md")
        entry.size = len(CARD)
        tar.addfile(entry, io.BytesIO(CARD.encode()))
    return held.getvalue()


def upload(place: ApiPlace, person: str) -> Any:
    return place.ask(person, "POST", "/v1/ministries/mnd/artifacts?title=plans", content=archive())


def hide(place: ApiPlace, digest: str) -> None:
    with place.platform.write() as connection:
        ref = ArtifactRef(digest=Digest(digest), type=ArtifactType.DOCUMENTS, label=HIDDEN, size=len(CARD))
        note_artifact(connection, ref, "plans", place.now)


def check_refused(response: Any) -> None:
    assert (response.status_code, response.json()["code"]) == (403, "access.above-clearance"), response.text
    assert "blue" not in response.text
    assert "clearance, which is S" in response.text


def test_known_bytes_that_are_sent_again_do_not_tell_their_label(place: ApiPlace) -> None:
    first = upload(place, "eng")
    assert first.status_code < 300, first.text
    hide(place, first.json()["digest"])
    check_refused(upload(place, "eng"))


def test_nobody_registers_data_with_a_label_above_their_own(place: ApiPlace) -> None:
    body = {"name": "law-again", "uri": f"artifact:{place.law}", "grade": "C"}
    check_refused(place.ask("cus", "POST", "/v1/ministries/mnd/datasets", json=body))
    with place.platform.read() as connection:
        assert list_dataset_versions(connection, "law-again") == []


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
