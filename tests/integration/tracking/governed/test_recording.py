"""The control plane's own way in: each thing in its ministry, with its label, sealed; and nobody else's way around."""

from __future__ import annotations

from typing import Any

import pytest
from governed_postgres import told_by
from governed_world import TOLD


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return told_by("governed_recording.py", request.param, tmp_path_factory.mktemp("recording"))


def test_every_run_model_and_version_stands_in_its_ministry_with_its_label(found: dict[str, Any]) -> None:
    marks = [tuple(mark) for mark in found["once"]]
    for told in TOLD:
        where = (told.ministry, str(told.label))
        # The run and its attempt.
        assert marks.count(("run", told.pipeline, *where, True)) == 2
        assert ("logged-model", told.pipeline, *where, True) in marks
        assert ("experiment", told.pipeline, *where, False) in marks
        assert ("model", told.model, *where, True) in marks
        assert ("dataset", "a data set", *where, True) in marks
    versions = [mark for mark in marks if mark[0] == "version"]
    assert sorted(mark[1:4] for mark in versions if mark[1].startswith("axk1-light/")) == [
        ("axk1-light/1", "mnd", "O"),
        ("axk1-light/2", "mnd", "O"),
        ("axk1-light/3", "mnd", "S"),
        ("axk1-light/4", "mnd", "C"),
    ]


def test_telling_twice_changes_nothing(found: dict[str, Any]) -> None:
    assert found["twice"] == found["once"]


def test_a_run_that_ends_higher_takes_its_experiment_along(found: dict[str, Any]) -> None:
    assert found["before"] == [["experiment", "rising", "mnd", "O", False], ["run", "rising", "mnd", "O", True]]
    assert found["after"] == [["experiment", "rising", "mnd", "S", False], ["run", "rising", "mnd", "S", True]]


def test_a_label_that_approvers_lowered_is_lowered_here_too(found: dict[str, Any]) -> None:
    assert found["relabelled"] == {
        "marks": [["model", "axk1-deep", "mnd", "S"], ["version", "axk1-deep/1", "mnd", "S"]],
        "elsewhere": "RESOURCE_DOES_NOT_EXIST",
    }


def test_a_version_says_since_when_it_is_suspended_for_as_long_as_it_is(found: dict[str, Any]) -> None:
    assert found["suspended"] == ["2023-11-14T22:13:20.000Z"] * 2 + [None] * 2


def test_what_is_no_ministrys_is_not_recorded(found: dict[str, Any]) -> None:
    assert found["without_ministry"] == "On a server every run is a ministry's"


def test_statements_of_nobody_and_around_the_orm_are_refused(found: dict[str, Any]) -> None:
    refused = found["refused"]
    assert refused.pop("viewer orm") == "answered"
    assert {way: answer for way, answer in refused.items() if answer == "answered"} == {}
