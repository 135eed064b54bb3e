"""Files with tabs: every one is told, and what is wrong besides, as the file reads with spaces."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bongsu.domain.problems import BongsuError
from bongsu.specfile import loads
from bongsu.specfile.tabs import spaced, tabs_in

sys.path.insert(0, str(Path(__file__).parent))
from pipeline_samples import CATALOGUE, HEAD


def problems_of(text: str) -> list[tuple[str, int, int]]:
    with pytest.raises(BongsuError) as caught:
        loads(text, "f.yaml", CATALOGUE)
    return [
        (p.code.name.removeprefix("spec."), p.location.line, p.location.column)
        for p in caught.value.problems
        if p.location
    ]


def test_every_tab_is_told_and_what_else_is_wrong() -> None:
    stage = "    - name: a\n      uses: prob\n\t  timeout: 5\n"
    other = "    - name: b\n\t  uses: probe\n      retries: {limit: 99}\n"
    text = HEAD.replace("kind: Pipeline", "kind: Pipelin") + stage + other
    assert problems_of(text) == [
        ("not-allowed", 2, 7),
        ("unknown-uses", 17, 13),
        ("tab", 18, 1),
        ("wrong-unit", 18, 13),
        ("tab", 20, 1),
        ("out-of-range", 21, 24),
    ]


def test_a_tab_is_as_wide_as_makes_sense_of_the_file() -> None:
    stage = "    - name: a\n      uses: probe\n      inputs:\n\tone: inputs.lew\n"
    assert problems_of(HEAD + stage) == [("tab", 19, 1), ("unknown-input", 19, 7)]


def test_a_file_whose_only_mistakes_are_tabs_has_no_others() -> None:
    assert problems_of(HEAD + "    - name: a\n\tuses: probe\n") == [("tab", 17, 1)]


def test_tabs_behind_the_indentation_of_a_block_of_text_are_the_writers_own() -> None:
    text = "a: |\n  x\n  \ty\nb:\n\tc: 1\n\td: >-\n\t  z\n\n\t\n"
    assert tabs_in(text) == [text.index("\tc"), text.index("\td"), text.index("\t  z")]
    assert next(spaced(text)).text == "a: |\n  x\n  \ty\nb:\n  c: 1\n  d: >-\n    z\n\n\t\n"
