"""A run whose row cannot be read is told as damage by every command that meets it, and nobody is sent to resume it."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest
from cli_shell import Shell
from small_plans import plan_of, stage

from bongsu.service.embedded import open_home
from bongsu.service.planning import prepare
from bongsu.service.submitting import submit

PIPELINE = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: one, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Try the platform on itself}
  stages:
    - {name: first, uses: container, with: {command: ["true"]}}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """With a run that nobody drives."""
    platform = open_home(tmp_path / "home", os.environ)
    submit(platform, plan_of(stage("a")))
    platform.close()
    return tmp_path / "home"


def damage(home: Path, statement: str) -> None:
    connection = sqlite3.connect(home / "bongsu.db")
    with connection:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("update runs set state='bogus'", ["show"]),
        ("update runs set plan='{}'", ["show"]),
        ("update runs set state='bogus'", ["resume"]),
        ("update runs set plan='{}'", ["resume"]),
        ("update runs set state='bogus'", ["runs"]),
        ("update runs set plan_hash=cast(x'ff' as text)", ["runs"]),
        ("update runs set label='X/foo'", ["runs"]),
        ("update runs set state='bogus'", ["cancel", "latest"]),
        ("update runs set plan='{}'", ["logs"]),
        ("update stages set outputs='[]'", ["report"]),
    ],
)
def test_it_is_damage_to_the_database(shell: Shell, home: Path, statement: str, words: list[str]) -> None:
    damage(home, statement)
    said = shell(*words)
    assert said.status == 8, said.error
    assert "run.database-damaged" in said.error
    assert "bongsu resume" not in said.error
    assert "Unexpected" not in said.error


def test_so_it_is_for_who_runs_the_same_plan_again(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(PIPELINE)
    platform = open_home(tmp_path / "home", os.environ)
    submit(platform, prepare(platform, file).plan)
    platform.close()
    damage(tmp_path / "home", "update runs set state='bogus'")
    said = shell("run", str(file))
    assert (said.status, "run.database-damaged" in said.error) == (8, True), said.error
    assert "bongsu resume" not in said.error


def test_the_doctor_tells_of_it(shell: Shell, home: Path) -> None:
    damage(home, "update runs set plan='{}'")
    damage(home, "update stages set state='bogus'")
    findings = json.loads(shell("doctor", "--json").out)
    (found,) = [one for one in findings if one["subject"] == "Database of runs"]
    assert found["level"] == "problem"
    assert "in the table runs cannot be read" in found["fact"]
    assert "in the table stages cannot be read" in found["fact"]
    assert "backup" in found["fix"]
