"""What was probably meant is suggested, and what follows from one mistake is not told as another."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.problems import BongsuError, Problem
from bongsu.domain.resources import parse_duration
from bongsu.specfile import loads
from bongsu.specfile.expected import DURATION, SIZE
from bongsu.specfile.meant import meant_quantity

sys.path.insert(0, str(Path(__file__).parent))
from pipeline_samples import CATALOGUE, HEAD

TRAIN = "{name: a, uses: train.continue, inputs: {model: inputs.base, tokens: inputs.law}, with: {steps: "


def problems(*rows: str) -> list[Problem]:
    with pytest.raises(BongsuError) as caught:
        loads(HEAD + "".join(f"    - {row}\n" for row in rows), "f.yaml", CATALOGUE)
    return caught.value.problems


def names(found: list[Problem]) -> list[str]:
    return [problem.code.name.removeprefix("spec.") for problem in found]


@pytest.mark.parametrize(
    ("row", "code", "meant"),
    [
        ("{name: a, uses: probe, timeout: 5}", "wrong-unit", "5s"),
        ("{name: a, uses: probe, timeout: 5 min}", "wrong-unit", "5m"),
        ("{name: a, uses: probe, timeout: 1h30}", "wrong-unit", "1h30m"),
        ("{name: a, uses: probe, timeout: 1h 30m}", "wrong-unit", "1h30m"),
        ("{name: a, uses: probe, timeout: 2 fortnights}", "wrong-unit", None),
        ("{name: a, uses: probe, resources: {memory: 80 GB}}", "wrong-unit", "80G"),
        ("{name: a, uses: probe, resources: {memory: 4gb}}", "wrong-unit", "4G"),
        ("{name: a, uses: probe, resources: {memory: 512 MIB}}", "wrong-unit", "512Mi"),
        ("{name: a, uses: probe, timeout: 2592000}", "wrong-unit", "2592000s"),
        ("{name: a, uses: probe, retries: 3}", "wrong-type", "{limit: 3}"),
        ("{name: a, uses: probe, resources: 2}", "wrong-type", "{workers: 2}"),
        (TRAIN + "1_000}}", "wrong-type", "1000"),
        (TRAIN + "'12'}}", "quoted-number", None),
        ("{name: a, uses: probe, when: no}", "condition-name", "false"),
        ("{name: a, uses: probe, when: parameters.register}", "condition-name", "params.register"),
        ("{name: a, uses: probe, when: b.stat == 'failed'}", "condition-name", "b.state"),
    ],
)
def test_what_was_meant(row: str, code: str, meant: str | None) -> None:
    (found,) = problems("{name: b, uses: probe}", row)
    assert (names([found]), found.args.get("suggestion")) == ([code], meant)


@pytest.mark.parametrize(
    ("condition", "word", "ours"),
    [
        ("params.steps > 1 && params.register", "&&", "and"),
        ("params.register || true", "||", "or"),
        ("params.steps = 3", "=", "=="),
        ("params.register AND true", "AND", "and"),
        ("!params.register", "!", "not"),
    ],
)
def test_operators_of_other_languages_are_named_where_they_stand(condition: str, word: str, ours: str) -> None:
    (found,) = problems(f'{{name: a, uses: probe, when: "{condition}"}}')
    assert found.code.name == "spec.condition-syntax"
    assert str(found.args["detail"]) == f"{word} is not known; write {ours}"


def test_every_tab_is_told() -> None:
    text = HEAD.replace("    ", "\t", 1) + "    - name: a\n\t  uses: probe\n"
    with pytest.raises(BongsuError) as caught:
        loads(text, "f.yaml", CATALOGUE)
    assert names(caught.value.problems) == ["tab"] * 2


def test_what_a_merge_key_would_have_brought_is_not_missed() -> None:
    assert names(problems("&x {name: a, uses: probe}", "{<<: *x, name: b}")) == ["merge-key"]


def test_a_tag_is_told_and_not_what_it_stands_at() -> None:
    row = "{name: a, uses: probe, with: !!python/object/apply:os.system ['id']}"
    assert names(problems(row)) == ["tag"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_an_encoding_is_called_by_its_name(encoding: str) -> None:
    with pytest.raises(BongsuError) as caught:
        loads(HEAD.encode(encoding), "f.yaml", CATALOGUE)
    assert encoding.upper() in str(caught.value)


@given(st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=9)), st.sampled_from([" ", ""]))
def test_a_suggested_duration_is_the_one_that_was_written(value: timedelta, between: str) -> None:
    seconds = int(value.total_seconds())
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    written = f"{hours}{between}hours {minutes}{between}min {rest}{between}seconds"
    meant = meant_quantity(written, DURATION)
    assert meant is not None
    assert parse_duration(meant) == timedelta(seconds=seconds)


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none(), st.lists(st.integers())))
def test_nothing_breaks_the_search(value: Any) -> None:
    for unit in (DURATION, SIZE):
        meant_quantity(value, unit)
