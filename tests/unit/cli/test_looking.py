"""``bongsu search``, ``capacity`` and ``labels``, in a home."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_shell import Shell

from bongsu.service.local_actor import local_actor


@pytest.fixture
def law(shell: Shell, tmp_path: Path) -> str:
    (tmp_path / "law.txt").write_text("제1조")
    assert shell("datasets", "add", "korean-law", "file:law.txt").status == 0
    return "datasets:/korean-law/1"


def test_a_part_of_a_name_finds_it(shell: Shell, law: str) -> None:
    (one,) = json.loads(shell("search", "KOREAN", "--kind", "dataset", "--json").out)
    assert (one["kind"], one["name"], one["label"]) == ("dataset", "korean-law/1", "O")
    assert "korean-law/1" in shell("search", "law").out
    assert "Nothing of that name. Try a shorter part" in shell("search", "navy").out
    assert "[run.empty-search]" in shell("search", " ").error


def test_a_label_is_raised_with_a_reason_and_never_lowered(shell: Shell, law: str) -> None:
    assert "Everybody may see it." in shell("labels", "show", law).out
    said = shell("labels", "raise", law, "--grade", "S", "--compartment", "병참", "--reason", "It names people")
    assert said.status == 0, said.error
    assert "S came with korean-law" in said.out
    assert "병참 came with korean-law" in said.out
    assert f"korean-law was raised to S/병참 by {local_actor().id}" in said.out
    assert "Reason: It names people" in shell("labels", "show", law).out
    lower = json.loads(shell("labels", "raise", law, "--grade", "O", "--reason", "It does not", "--json").out)
    assert lower["label"] == "S/병참"
    assert "[governance.no-reason]" in shell("labels", "raise", law, "--grade", "C", "--reason", " ").error
    wrong = shell("labels", "raise", law, "--grade", "C", "--compartment", "A/B", "--reason", "x")
    assert "[run.compartment-name]" in wrong.error
    assert "[run.unknown-dataset]" in shell("labels", "show", "datasets:/navy/1").error


def test_capacity_says_how_much_there_is(shell: Shell) -> None:
    told = json.loads(shell("capacity", "--json").out)
    assert told["there"]["cpus"] > 0
    assert told["ministries"] == []
    assert "Nothing runs or waits." in shell("capacity").out
