"""``bongsu search``, ``capacity`` and ``labels``, in a home."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from api_places import ApiPlace
from cli_shell import Said, Shell
from home_models import register_at_home

from bongsu.domain.labels import OPEN
from bongsu.service.local_actor import local_actor

As = Callable[..., Said]
TAKING = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: takes, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Try the platform on itself}
  inputs: {general: {dataset: "file:law.txt"}}
  stages: [{name: first, uses: probe, inputs: {after: [inputs.general]}}]
"""


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
    assert "Everybody who may use this home may see it." in shell("labels", "show", law).out
    said = shell("labels", "raise", law, "--grade", "S", "--compartment", "병참", "--reason", "It names people")
    assert said.status == 0, said.error
    assert "S came with dataset:korean-law/1" in said.out
    assert "병참 came with dataset:korean-law/1" in said.out
    assert f"dataset:korean-law/1 was raised to S/병참 by {local_actor().id}" in said.out
    assert "Reason: It names people" in shell("labels", "show", law).out
    lower = json.loads(shell("labels", "raise", law, "--grade", "O", "--reason", "It does not", "--json").out)
    assert lower["label"] == "S/병참"
    assert "[governance.no-reason]" in shell("labels", "raise", law, "--grade", "C", "--reason", " ").error
    wrong = shell("labels", "raise", law, "--grade", "C", "--compartment", "A/B", "--reason", "x")
    assert "[run.compartment-name]" in wrong.error
    assert "[run.unknown-dataset]" in shell("labels", "show", "datasets:/navy/1").error


def test_a_label_is_told_of_the_name_that_was_asked_for(shell: Shell, tmp_path: Path) -> None:
    """A run took the files first, and noted them under the name of its input."""
    (tmp_path / "law.txt").write_text("제1조")
    (tmp_path / "p.yaml").write_text(TAKING)
    assert shell("run", "p.yaml").status == 0
    assert shell("datasets", "add", "korean-docs", "file:law.txt").status == 0
    for name in ("dataset:korean-docs/1", "datasets:/korean-docs/1"):
        said = shell("labels", "raise", name, "--grade", "S", "--reason", "It names people")
        assert said.out.startswith("dataset:korean-docs/1  Label S\n")
        assert "general" not in said.out
    (one,) = json.loads(shell("datasets", "list", "--json").out)
    noted = shell("labels", "show", one["digest"])
    assert noted.out.startswith("inputs.general  Label S\n"), "a digest has no name"


def test_who_may_see_an_open_thing_of_a_ministry_is_said(ask: As) -> None:
    for words in (("show", "dataset:law/1"), ("raise", "law/1", "--grade", "O", "--reason", "x")):
        name = "dataset:law/1" if words[0] == "show" else "datasets:/law/1"
        said = ask("dc", "labels", words[0], name, *words[2:])
        assert said.status == 0, said.error
        assert "Everybody of mnd may see it, and every ministry that it was shared with." in " ".join(
            said.out.split()
        )
    assert json.loads(ask("dc", "labels", "show", "dataset:law/1", "--json").out)["ministry"] == "mnd"
    assert ask("army-eng", "labels", "show", "dataset:law/1").status == 3


def test_lists_of_versions_are_as_long_as_was_asked_for(ask: As, place: ApiPlace) -> None:
    place.register(version=1)
    place.register(version=2)
    place.add_dataset("memos", place.tree("memos"))
    for kind, count in (("models", 2), ("datasets", 2)):
        for limit, found in (((), count), (("--limit", "1"), 1), (("--limit", "9"), count)):
            assert len(json.loads(ask("kim", kind, "list", *limit, "--json").out)) == found


def test_models_of_a_home_are_as_many_as_was_asked_for(shell: Shell, tmp_path: Path) -> None:
    register_at_home(tmp_path / "home", OPEN)
    assert len(json.loads(shell("models", "list", "--limit", "1", "--json").out)) == 1
    assert shell("models", "list", "--limit", "0").status == 2


def test_capacity_says_how_much_there_is(shell: Shell) -> None:
    told = json.loads(shell("capacity", "--json").out)
    assert told["there"]["cpus"] > 0
    assert told["ministries"] == []
    assert "Nothing runs or waits." in shell("capacity").out
