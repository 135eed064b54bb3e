"""A label that changes after the fact holds in MLflow as well: at once, whether or not it was told of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from governed_postgres import is_installed, postgres

SUPPORT = Path(__file__).parents[3] / "support"
NOTHING: dict[str, list[str]] = {"runs": [], "models": [], "versions": [], "files": ["404"]}
RISEN = {"runs": ["S/blue", "S/blue"], "models": ["S/blue"], "versions": ["S/blue"], "files": ["200"]}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    home: Path = tmp_path_factory.mktemp("rising")
    with ExitStack() as stack:
        if request.param == "postgresql" and not is_installed():
            pytest.skip("PostgreSQL is not installed")
        is_postgres = request.param == "postgresql"
        database = stack.enter_context(postgres()) if is_postgres else f"sqlite:///{home / 'mlflow.db'}"
        command = [sys.executable, str(SUPPORT / "governed_rising.py"), str(home), database]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        yield json.loads(done.stdout.splitlines()[-1])


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
