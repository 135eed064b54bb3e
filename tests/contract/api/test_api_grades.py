"""Grades over the API: those of the site are stated and given as clearances, and are told to whoever reads what people
write; somebody cleared for II sees III and II and not I."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_places import PIPELINE, ApiPlace
from governed_places import STAFF
from people_api import PeopleApi
from sqlalchemy import update

from bongsu.domain.grades import N2SF, SchemeName
from bongsu.domain.labels import Grade, Label
from bongsu.domain.people import Role
from bongsu.service import datasets
from bongsu.service.grades import StatedGrades, change_grades
from bongsu.store.database import Database
from bongsu.store.grades import set_grades
from bongsu.store.schema_people import people

MILITARY = StatedGrades(SchemeName.MILITARY, Grade.SECRET_III)
TOLD = {"scheme": "military", "grades": ["O", "S", "III", "II", "I"], "restricted": "III"}


@pytest.fixture
def place(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiPlace]:
    """A military site; its staff are cleared for I, and somebody for II."""
    made = ApiPlace(tmp_path, database)
    with made.platform.write() as connection:
        connection.execute(update(people).values(clearance="I"))
    change_grades(made.platform, MILITARY)
    made.permit_use()
    for person, role in (("second", Role.ENGINEER), ("custodian", Role.DATA_CUSTODIAN)):
        made.add_person(person, "mnd", role, Label(grade=Grade.SECRET_II))
        monkeypatch.setitem(STAFF, person, ("mnd", role))
    yield made
    made.close()


def listed(place: ApiPlace, person: str, path: str) -> set[str]:
    answer = place.ask(person, "GET", path)
    assert answer.status_code == 200, answer.text
    return {one["label"] for one in answer.json()["items"]}


def test_grades_that_change_between_two_looks_are_seen(place: ApiPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading the files of a data set takes its time."""
    resolve = datasets.resolve_input
    tree = place.tree("data")

    def slowly(*given: Any, **more: Any) -> Any:
        found = resolve(*given, **more)
        with place.platform.write() as connection:
            connection.execute(update(people).values(clearance="C"))
        with place.platform.database.write() as connection:
            set_grades(connection, N2SF, place.now)
        return found

    monkeypatch.setattr(datasets, "resolve_input", slowly)
    body = {"name": "late", "uri": f"artifact:{tree}", "grade": "II"}
    answer = place.ask("custodian", "POST", "/v1/ministries/mnd/datasets", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "label.grade-outside"), answer.text
    assert "II" not in listed(place, "kim", "/v1/datasets")


def test_somebody_cleared_for_ii_sees_iii_and_ii_and_not_i(place: ApiPlace) -> None:
    for grade in ("O", "S", "III", "II", "I"):
        label = Label(grade=Grade(grade))
        place.register(f"model-{grade.lower()}", label=label)
        place.add_dataset(f"data-{grade.lower()}", place.tree(f"data {grade}"), label)
        place.run_of("kim", f"run-{grade.lower()}", label)
    everything = {"O", "S", "III", "II", "I"}
    for path in ("/v1/models", "/v1/datasets", "/v1/runs"):
        assert listed(place, "kim", path) == everything
        assert listed(place, "second", path) == everything - {"I"}
    assert listed(place, "second", "/v1/datasets?filter=label%20%3D%20%22III%22") == {"III"}
    found = place.ask("second", "GET", "/v1/search?q=model").json()["items"]
    assert {one["name"] for one in found if one["kind"] == "model"} == {
        f"model-{grade.lower()}/1" for grade in everything - {"I"}
    }
    used = place.ask("second", "GET", "/v1/labels").json()
    assert used["grades"] == TOLD["grades"]
    assert {one["label"] for one in used["inUse"]} == everything - {"I"}


def test_the_grades_of_the_site_are_told_to_whoever_signed_in(place: ApiPlace) -> None:
    assert place.ask("second", "GET", "/v1/grades").json() == TOLD
    assert place.http.get("/v1/grades").status_code == 401


def test_what_is_stated_has_a_grade_of_the_site(place: ApiPlace) -> None:
    where = "/v1/ministries/mnd"
    body = {"name": "plans", "uri": f"artifact:{place.law}"}
    refused(place.ask("dc", "POST", f"{where}/datasets", json=body | {"grade": "C"}), "grade")
    assert place.ask("dc", "POST", f"{where}/datasets", json=body | {"grade": "III"}).json()["label"] == "III"
    raising = {"of": "datasets:/plans/1", "reason": "Names of units"}
    refused(place.ask("dc", "POST", f"{where}/labels", json=raising | {"grade": "C"}), "grade")
    assert place.ask("dc", "POST", f"{where}/labels", json=raising | {"grade": "II"}).json()["label"] == "II"
    sent = {"title": "x", "label": "C"}
    refused(place.ask("kim", "POST", f"{where}/artifacts", params=sent, content=archive("a")), "label")
    sent = {"title": "x", "label": "II"}
    assert place.ask("kim", "POST", f"{where}/artifacts", params=sent, content=archive("a")).json()["label"] == "II"
    above = place.ask("second", "POST", f"{where}/artifacts", params=sent | {"label": "I"}, content=archive("b"))
    assert above.json()["code"] == "access.above-clearance"


def test_a_card_in_an_upload_is_read_by_the_site(place: ApiPlace) -> None:
    where = "/v1/ministries/mnd/artifacts?title=x"
    for number, (card, label) in enumerate((("대외비", "III"), ("2급 비밀", "II"))):
        sent = place.ask("kim", "POST", where, content=archive(f"text {number}", f"label: {card}\n"))
        assert sent.json()["label"] == label, sent.text
    other = place.ask("kim", "POST", where, content=archive("other", "label: C\n"))
    assert (other.status_code, "whose grades are O, S, III, II, I" in other.text) == (422, True)


def test_a_pipeline_is_read_by_the_site(place: ApiPlace) -> None:
    def checked(grade: str) -> Any:
        text = PIPELINE.replace("  stages:", f"  classification: {grade}\n  stages:")
        return place.ask("kim", "POST", "/v1/pipelines/plan", json={"text": text, "file": "p.yaml"})

    for written, grade in (("대외비", "III"), ("Ⅱ급", "II"), ("II", "II")):
        assert checked(written).json()["floor"]["grade"] == grade
    hashes = {checked(written).json()["hash"] for written in ("2급", "II", "{grade: 군사 Ⅱ급 비밀}")}
    assert len(hashes) == 1, "a plan is the same however its grades are written"
    wrong = checked("C").json()
    problem = wrong["problems"][0] if "problems" in wrong else wrong
    assert (problem["code"], problem["field"]) == ("spec.not-allowed", "spec.classification")
    assert "O, S, III, II, I" in str(wrong)


def test_people_are_cleared_in_grades_of_the_site(database: Database, tmp_path: Path) -> None:
    place = PeopleApi(database, tmp_path)
    new = {"id": "mnd/kim", "name": "Kim", "issuer": "https://login.example", "subject": "k", "reason": "V-1"}
    refused(place.ask("mnd/op", "POST", "/v1/people", json=new | {"clearance": "II"}), "clearance")
    change_grades(place.platform, StatedGrades(SchemeName.MILITARY))
    refused(place.ask("mnd/op", "POST", "/v1/people", json=new | {"clearance": "C/logistics"}), "clearance")
    assert place.done("mnd/op", "/v1/people", **new, clearance="II/logistics")["clearance"] == "II/logistics"
    vetting = {"clearance": "C", "reason": "V-2"}
    refused(place.ask("mnd/op", "POST", "/v1/people/mnd/kim/clearance", json=vetting), "clearance")
    ministry = {"name": "army", "titleKo": "육군", "titleEn": "Army"}
    operator = new | {"id": "army/op", "subject": "a"}
    body = ministry | {"operator": operator | {"clearance": "C"}}
    refused(place.ask("mnd/op", "POST", "/v1/ministries", json=body), "clearance")
    body = ministry | {"operator": operator | {"clearance": "I"}}
    assert place.ask("mnd/op", "POST", "/v1/ministries", json=body).is_success


def refused(response: Any, field: str) -> None:
    document = response.json()
    problem = document["problems"][0] if document.get("problems") else document
    assert (response.status_code, problem["code"], problem["field"]) == (422, "label.grade-outside", field), (
        document
    )


def archive(text: str, card: str | None = None) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for name, content in (("a.txt", text), *((("card.yaml", card),) if card else ())):
            entry = tarfile.TarInfo(name)
            entry.size = len(content.encode())
            tar.addfile(entry, io.BytesIO(content.encode()))
    return held.getvalue()
