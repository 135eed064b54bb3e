"""Grades on the command line: of a home and of a server, in whatever spelling; seeing and changing which there are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from api_places import ApiPlace
from cli_shell import Said, Shell
from live_api import served, sign_in
from people_api import PeopleApi
from sqlalchemy import update
from store_places import store_at

from bongsu.domain.grades import N2SF, SchemeName
from bongsu.domain.labels import Grade
from bongsu.service.grades import StatedGrades, change_grades
from bongsu.service.grades_kept import change_grades_at, grades_at
from bongsu.store.schema_people import people

As = Callable[..., Said]
PIPELINE = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: probes, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Try the platform on itself}
  classification: GRADE
  inputs: {law: {dataset: "file:law"}}
  stages:
    - {name: first, uses: probe, inputs: {after: inputs.law}}
"""


@pytest.fixture(autouse=True)
def _files(tmp_path: Path) -> None:
    (tmp_path / "law").mkdir()
    (tmp_path / "law" / "a.txt").write_text("제1조")


def pipeline(folder: Path, grade: str) -> str:
    (folder / "p.yaml").write_text(PIPELINE.replace("GRADE", grade))
    return "p.yaml"


def test_the_grades_of_a_home_are_shown_and_changed(shell: Shell, tmp_path: Path) -> None:
    assert shell("database", "grades").out == "Grades of the site: O, S, C, with 대외비 under S.\n"
    assert not (tmp_path / "home").exists(), "to look makes nothing"
    said = shell("database", "grades", "military", "--restricted-as", "III")
    assert said.out == "Grades of the site: O, S, III, II, I, with 대외비 under III.\n"
    found = json.loads(shell("database", "grades", "--json").out)
    assert found == {"scheme": "military", "grades": ["O", "S", "III", "II", "I"], "restricted": "III"}
    outside = shell("database", "grades", "--restricted-as", "C")
    assert (outside.status, "[label.restricted-outside]" in outside.error) == (2, True)


def test_where_ministries_share_a_store_its_grades_are_meant(shell: Shell, tmp_path: Path) -> None:
    """`bongsu up` keeps it apart from what the owner of the machine runs alone."""
    shared = tmp_path / "home" / "shared"
    change_grades_at(shared, {}, None, StatedGrades(SchemeName.MILITARY))
    assert "O, S, III, II, I" in shell("database", "grades").out
    assert shell("database", "grades", "n2sf").status == 0
    assert grades_at(shared, None) == N2SF
    assert not (tmp_path / "home" / "bongsu.db").exists()


def test_what_carries_a_grade_keeps_it_from_being_taken_away(shell: Shell, tmp_path: Path) -> None:
    assert shell("datasets", "add", "law", "file:law", "--grade", "C").status == 0
    refused = shell("database", "grades", "military")
    assert (refused.status, "[label.grades-in-use]" in refused.error) == (2, True)
    assert "1 versions of data sets of C" in refused.error
    assert "O, S, C" in shell("database", "grades").out


@pytest.mark.parametrize(
    ("written", "label"), [("II", "II"), ("Ⅱ급", "II"), ("대외비", "III"), ("군사 1급 비밀", "I")]
)
def test_a_grade_is_taken_as_it_is_written(shell: Shell, tmp_path: Path, written: str, label: str) -> None:
    shell("database", "grades", "military", "--restricted-as", "III")
    added = shell("datasets", "add", "law", "file:law", "--grade", written, "--json")
    assert json.loads(added.out)["label"] == label, added.error
    plan = shell("plan", pipeline(tmp_path, written), "--json")
    assert json.loads(plan.out)["floor"]["grade"] == label


def test_a_grade_of_another_scheme_is_refused_with_those_that_there_are(shell: Shell, tmp_path: Path) -> None:
    for written in ("III", "2급", "X"):
        said = shell("datasets", "add", "law", "file:law", "--grade", written)
        assert (said.status, "[label.grade-outside]" in said.error) == (2, True)
        assert "whose grades are O, S, C" in said.error
        for command in ("validate", "plan"):
            said = shell(command, pipeline(tmp_path, written))
            assert "[spec.not-allowed]" in said.error
            assert "O, S, C" in said.error


def test_a_file_is_checked_by_the_grades_of_the_home_that_is_there(shell: Shell, tmp_path: Path) -> None:
    assert shell("validate", pipeline(tmp_path, "2급")).status == 2
    assert not (tmp_path / "home").exists()
    shell("database", "grades", "military")
    assert shell("validate", pipeline(tmp_path, "2급")).status == 0
    assert shell("validate", pipeline(tmp_path, "X")).status == 2


@pytest.mark.parametrize("card", ["label: 2급", "label: {grade: Ⅱ급 비밀}"])
def test_a_card_is_read_by_the_grades_of_the_home(shell: Shell, tmp_path: Path, card: str) -> None:
    (tmp_path / "law" / "card.yaml").write_text(card)
    refused = shell("datasets", "add", "law", "file:law")
    assert "is no grade of this site, whose grades are O, S, C" in refused.error
    shell("database", "grades", "military")
    assert json.loads(shell("datasets", "add", "law", "file:law", "--json").out)["label"] == "II"


# -- at a server ---------------------------------------------------------------------------------------------------


@pytest.fixture
def ask(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[As]:
    """Runs ``bongsu`` as one of the staff of a military site."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    (tmp_path / "server").mkdir()
    place = ApiPlace(tmp_path / "server")
    with place.platform.write() as connection:
        connection.execute(update(people).values(clearance="I"))
    change_grades(place.platform, StatedGrades(SchemeName.MILITARY, Grade.SECRET_III))
    place.permit_use()
    with served(place) as url:

        def call(person: str, *words: str) -> Said:
            sign_in(tmp_path / "settings", url, person)
            return shell(*words)

        yield call
    place.close()


def test_a_server_says_which_grades_there_are(ask: As, tmp_path: Path) -> None:
    (tmp_path / "law" / "card.yaml").write_text("label: 3급")
    added = ask("dc", "datasets", "add", "plans", "file:law", "--json")
    assert json.loads(added.out)["label"] == "III", added.error
    risen = ask("dc", "labels", "raise", "datasets:/plans/1", "--grade", "2급", "--reason", "Units", "--json")
    assert json.loads(risen.out)["label"] == "II", risen.error
    assert ask("kim", "validate", pipeline(tmp_path, "대외비")).status == 0
    for written in ("C", "4급"):
        outside = ask("dc", "datasets", "add", "plans", "file:law", "--grade", written)
        assert "[label.grade-outside]" in outside.error
        assert "O, S, III, II, I" in outside.error
        assert "O, S, III, II, I" in ask("kim", "validate", pipeline(tmp_path, written)).error


def test_people_are_cleared_for_what_is_written(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.delenv("BONGSU_HOME")
    database = store_at(tmp_path)
    place = PeopleApi(database, tmp_path)
    change_grades(place.platform, StatedGrades(SchemeName.MILITARY))
    with served(place) as url:
        sign_in(tmp_path / "settings", url, "mnd/op")
        words = ("people", "add", "mnd/kim", "--name", "Kim", "--subject", "k", "--reason", "V-1")
        assert "cleared for II/logistics;" in shell(*words, "--clearance", "Ⅱ급", "--compartment", "logistics").out
        changed = shell("people", "clearance", "mnd/kim", "1급", "--reason", "V-2")
        assert changed.out == "mnd/kim is cleared for I.\n"
        outside = shell("people", "clearance", "mnd/kim", "C", "--reason", "V-3")
        assert "[label.grade-outside]" in outside.error
    database.close()
