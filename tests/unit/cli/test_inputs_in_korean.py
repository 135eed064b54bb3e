"""Why an input cannot be found, and why nothing moves, is said in the reader's language to the last word."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from cli_shell import Shell

from bongsu.cli.render.progress import ProgressLines
from bongsu.domain.problems import BongsuError
from bongsu.reconciler.backend import Backend
from bongsu.service.watching import RunProgress

PIPELINE = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {{name: nowhere, ministry: mnd}}
spec:
  purpose: {{useClass: administration, statement: Try the platform on itself}}
  inputs:
    given: {{dataset: "{uri}"}}
  stages:
    - {{name: first, uses: container, inputs: {{files: inputs.given}}, with: {{command: ["true"]}}}}
"""
NOBODY = "sha256-" + "0" * 64
# Two words of English in a row. What stands in backticks, in brackets and in addresses is typed as it is.
ENGLISH = re.compile(r"\b[a-z]+,? [a-z]+\b", re.IGNORECASE)
TYPED = re.compile(r"`[^`]*`|\[[a-z.-]+\]|\S*[/:=]\S+")


def english_in(said: str) -> list[str]:
    return ENGLISH.findall(TYPED.sub("·", said))


@pytest.mark.usefixtures("korean")
@pytest.mark.parametrize(
    "uri",
    [
        "file:./gone",
        "file:./empty",
        "file:./linked",
        "file:./broken",
        "file:~nobody-of-this-name/x",
        "file:./graded",
        "file:./ungraded",
        "file:./twice",
        "package:no-such-package/x",
        "package:pyyaml/no/such/folder",
        f"artifact:{NOBODY}",
        "datasets:/law/1",
    ],
)
def test_an_input_that_cannot_be_found_is_told_in_korean(shell: Shell, tmp_path: Path, uri: str) -> None:
    for name in ("empty", "linked", "broken", "graded", "ungraded", "twice"):
        (tmp_path / name).mkdir()
    (tmp_path / "linked" / "more").symlink_to(tmp_path / "empty")
    (tmp_path / "broken" / "more").symlink_to(tmp_path / "gone")
    for name, card in (("graded", "Label: S"), ("ungraded", "label:"), ("twice", "label: S\nlabel: O")):
        (tmp_path / name / "data.txt").write_text("x")
        (tmp_path / name / "card.yaml").write_text(card)
    (tmp_path / "p.yaml").write_text(PIPELINE.format(uri=uri))
    said = shell("plan", "p.yaml")
    assert said.status == 3
    assert "run.input-missing" in said.error
    assert english_in(said.error) == []


@pytest.mark.usefixtures("korean")
@pytest.mark.parametrize("config", [None, "[]", '{"hidden_size": "x", "architectures": 5}'])
def test_what_is_no_model_is_told_in_korean(shell: Shell, tmp_path: Path, config: str | None) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").write_text("x")
    if config is not None:
        (tmp_path / "model" / "config.json").write_text(config)
    (tmp_path / "p.yaml").write_text(PIPELINE.format(uri="file:./model").replace("dataset:", "model:"))
    said = shell("plan", "p.yaml")
    assert "run.input-not-a-model" in said.error
    assert english_in(said.error) == []


def test_the_net_for_english_has_no_hole() -> None:
    assert english_in("입력 x(file:/y)을(를) 찾을 수 없습니다: /y does not exist. [run.input-missing]") == [
        "does not"
    ]


@pytest.mark.usefixtures("korean")
def test_why_nothing_moves_is_korean() -> None:
    from bongsu.domain.codes import artifact as codes

    def down() -> None:
        raise BongsuError([codes.MISSING.at(digest=NOBODY, store="here")])

    backend = Backend(down, time.monotonic)  # type: ignore[arg-type]
    assert backend.capacity() is None
    said: list[str] = []
    lines = ProgressLines(said.append, time.monotonic)
    lines.update(RunProgress((), trouble=backend.trouble))
    (line,) = said
    assert line.startswith("실행기가 응답하지 않습니다: ")
    assert english_in(line) == []
