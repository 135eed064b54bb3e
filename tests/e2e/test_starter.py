"""What ``bongsu init`` writes runs as it is, from text to a registered version."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_command_line import Shell

BASE = Path(__file__).parents[2] / "pipelines" / "assets" / "axk1-nano"


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_starter_is_right_as_it_is_written(tmp_path: Path, language: str) -> None:
    shell = Shell(tmp_path)
    shell("init", "my.yaml", "--model", f"file:{BASE}", BONGSU_LANG=language)
    assert shell.json("validate", "my.yaml")[0]["warnings"] == []
    planned = shell.json("plan", "my.yaml")
    assert (planned["warnings"], planned["obstacles"], planned["skipped"]) == ([], [], [])


def test_the_starter_runs_to_a_registered_version_and_its_lineage(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell("init", "my.yaml", "--model", f"file:{BASE}")
    shell("run", "my.yaml", "--set", "steps=10", timeout_s=600)
    (version,) = shell.json("models")
    assert (version["name"], version["version"]) == ("first-pipeline", 1)
    assert "package:konlpy/konlpy/data/corpus" in shell("lineage", "first-pipeline@1").stdout
