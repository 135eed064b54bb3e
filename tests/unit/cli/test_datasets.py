"""``bongsu datasets``: a name for a data set, and the pipeline that takes it."""

from __future__ import annotations

import json
from pathlib import Path

from cli_shell import Shell

PIPELINE = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: probes, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Try the platform on itself}
  inputs: {law: {dataset: "datasets:/korean-law/1"}}
  stages:
    - {name: first, uses: probe, inputs: {after: inputs.law}}
"""


def test_what_was_given_a_name_is_listed_and_taken_with_its_label(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "law.txt").write_text("제1조")
    (tmp_path / "p.yaml").write_text(PIPELINE)
    assert "[run.input-missing]" in shell("plan", "p.yaml").error
    said = shell("datasets", "add", "korean-law", "file:law.txt", "--grade", "S", "--compartment", "logistics")
    assert said.status == 0, said.error
    assert "datasets:/korean-law/1" in said.out
    assert "S/logistics" in said.out
    again = json.loads(shell("datasets", "add", "korean-law", "file:law.txt", "--json").out)
    assert (again["version"], again["label"]) == (1, "S/logistics"), "the label stays with the bytes"
    (tmp_path / "law.txt").write_text("제2조")
    assert json.loads(shell("datasets", "add", "korean-law", "file:law.txt", "--json").out)["version"] == 2
    listed = shell("datasets", "list")
    assert [line.split()[0] for line in listed.out.splitlines() if "datasets:/" in line] == [
        "datasets:/korean-law/2",
        "datasets:/korean-law/1",
    ]
    newest = json.loads(shell("datasets", "list", "--limit", "1", "--json").out)
    assert [one["version"] for one in newest] == [2]
    plan = json.loads(shell("plan", "p.yaml", "--json").out)
    assert plan["stages"][0]["label"] == {"grade": "S", "compartments": ["logistics"], "declassifyOn": None}


def test_a_name_that_no_address_could_hold_is_refused(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "law.txt").write_text("text")
    assert "[cli.missing-argument]" in shell("datasets", "add", "--", "", "file:law.txt").error
    for name in ("Korean Law", "-x", "법령"):
        assert "[run.dataset-name]" in shell("datasets", "add", "--", name, "file:law.txt").error


def test_compartments_that_no_label_could_hold_are_refused_all_at_once(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "law.txt").write_text("text")
    given = [part for name in ("a/b", "A", "", "병참") for part in ("--compartment", name)]
    said = shell("datasets", "add", "law", "file:law.txt", *given)
    assert said.status == 2
    assert said.error.count("[run.compartment-name]") == 3
    assert "a/b cannot be the name of a compartment" in said.error
    assert "datasets:/law" not in shell("datasets", "list").out
    assert "O/병참" in shell("datasets", "add", "law", "file:law.txt", "--compartment", "병참").out


def test_nothing_yet_says_how_to_begin(shell: Shell) -> None:
    assert "bongsu datasets add" in shell("datasets", "list").out


def test_artifacts_are_listed_by_type_newest_first(shell: Shell, tmp_path: Path) -> None:
    assert "No artifacts yet." in shell("artifacts", "list").out
    (tmp_path / "law.txt").write_text("제1조")
    assert shell("datasets", "add", "korean-law", "file:law.txt").status == 0
    (one,) = json.loads(shell("artifacts", "list", "--type", "files", "--json").out)
    assert (one["type"], one["title"], one["label"], one["ministry"]) == ("files", "korean-law", "O", "")
    shown = shell("artifacts", "list").out
    assert all(word in shown for word in ("files", "korean-law", one["digest"].removeprefix("sha256-")[:8]))
    assert json.loads(shell("artifacts", "list", "--type", "model", "--json").out) == []
