"""A label that changes after the fact holds in MLflow as well: at once, whether or not it was told of it."""

from __future__ import annotations

from typing import Any

import pytest
from governed_postgres import told_by

NOTHING: dict[str, list[str]] = {"runs": [], "models": [], "versions": [], "files": ["404"]}
RISEN = {"runs": ["S/blue", "S/blue"], "models": ["S/blue"], "versions": ["S/blue"], "files": ["200"]}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return told_by("governed_rising.py", request.param, tmp_path_factory.mktemp("rising"))


def test_before_that_everybody_finds_it(shown: dict[str, Any]) -> None:
    assert shown["before"]["low"] == shown["before"]["all"]
    assert shown["before"]["low"] == {"runs": ["O", "O"], "models": ["O"], "versions": ["O"], "files": ["200"]}


@pytest.mark.parametrize("when", ["risen", "risen, and told"])
def test_what_has_risen_is_gone_for_who_may_not_see_it(shown: dict[str, Any], when: str) -> None:
    assert shown[when]["low"] == NOTHING
    assert shown[when]["all"] == RISEN


@pytest.mark.parametrize("when", ["lowered", "lowered, and told"])
def test_bytes_that_were_lowered_are_there_again_and_the_runs_that_used_them_are_not(
    shown: dict[str, Any], when: str
) -> None:
    """What was made from them keeps its own label."""
    assert shown[when]["low"] == {"runs": [], "models": ["O"], "versions": ["O"], "files": ["200"]}
    assert shown[when]["all"] == RISEN | {"models": ["O"], "versions": ["O"]}


def test_where_it_cannot_be_read_what_has_risen_all_of_the_run_is_looked_at(shown: dict[str, Any]) -> None:
    assert shown["risen, and unreadable"] == {"low": NOTHING, "all": RISEN}


def test_what_cannot_be_labelled_closes_the_ministry_whose_it_is_and_no_other(shown: dict[str, Any]) -> None:
    answered = shown["answered"]
    assert answered["before"] == answered["and can again"] == {"all": 200, "army-eng": 200, "kim": 404}
    assert answered["what the army has cannot be labelled"] == {"all": 200, "army-eng": 503, "kim": 404}
    assert answered["nobody knows whose it is"] == {"all": 503, "army-eng": 503, "kim": 503}
