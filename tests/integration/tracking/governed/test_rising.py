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
