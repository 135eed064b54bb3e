"""The language of conditions."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.conditions import Condition, Facts, parse
from bongsu.domain.problems import BongsuError

FACTS = Facts(
    params={"on": True, "off": False, "n": 3, "word": "law"},
    matrix={"share": 0.5},
    states={"heal-fast": "succeeded", "in": "skipped"},
    metrics={"heal-fast": {"perplexity.law": 110.0, "loss": 2.5}, "class": {"x": 1.0}},
)


def read(text: str) -> Condition:
    found = parse(text)
    assert isinstance(found, Condition), found
    return found


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("true", True),
        ("False", False),
        ("params.on", True),
        ("not params.on", False),
        ("params.on and params.off", False),
        ("params.on or params.off", True),
        ("params.n == 3", True),
        ("params.n == 3.0", True),
        ("params.n == '3'", False),
        ("params.on == 1", False),
        ("params.n != 3", False),
        ("1 < params.n <= 3", True),
        ("params.n > -1", True),
        ("params.word == 'law'", True),
        ("params.word in ['law', 'general']", True),
        ("params.word not in ('law',)", False),
        ("'a' in params.word", True),
        ("matrix.share in [0.5, 0.75]", True),
        ("heal-fast.state == 'succeeded'", True),
        ("heal-fast.metrics['perplexity.law'] < 120", True),
        ("heal-fast.metrics.loss >= 2.5", True),
        ("in.state in ['skipped']", True),
        ("class.metrics.x == 1", True),
        ("'heal-fast.state' == \"heal-fast.state\"", True),
        ("(params.off or heal-fast . state == 'x') or params.n > 1", True),
        ("params.off and heal-fast.metrics.nothing > 1", False),
        ("  params.on\n  and params.on ", True),
    ],
)
def test_answers(text: str, answer: bool) -> None:
    condition = read(text)
    assert condition.evaluate(FACTS) is answer
    assert read(str(condition)) == condition


@pytest.mark.parametrize(
    ("text", "code", "offset"),
    [
        ("", "condition-syntax", 0),
        ("params.n > > 3", "condition-syntax", 11),
        ("params.n + 1 > 3", "condition-syntax", 0),
        ("f(1)", "condition-syntax", 0),
        ("params.n > -1e999", "condition-syntax", 11),
        ("params.on and __import__('os')", "condition-syntax", 14),
        ("params.on if true else false", "condition-syntax", 0),
        ("[x for x in params]", "condition-syntax", 0),
        ("lambda: 1", "condition-syntax", 0),
        ("params.n is 3", "condition-syntax", 0),
        ("1e999 > 1", "condition-syntax", 0),
        ("params.on; params.on", "condition-syntax", 9),
        ("'가' == 'b' and nope", "condition-name", 15),
        ("params.on and params", "condition-name", 14),
        ("params.a.b", "condition-name", 0),
        ("a.metrics[0] > 1", "condition-name", 0),
        ("A.state == 'x'", "condition-name", 0),
        ("a_b.state == 'x'", "condition-name", 0),
        ("a.status == 'x'", "condition-name", 0),
        ("(" * 300 + "true" + ")" * 300, "condition-syntax", 200),
        ("not " * 40 + "true", "condition-syntax", 132),
    ],
)
def test_what_is_not_a_condition(text: str, code: str, offset: int) -> None:
    found = parse(text)
    assert isinstance(found, list)
    assert (found[0].code.name, found[0].offset) == (f"spec.{code}", offset)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("heal-fast.metrics.nothing > 1", "spec.condition-missing"),
        ("other.state == 'x'", "spec.condition-missing"),
        ("params.n", "spec.condition-type"),
        ("params.word and params.on", "spec.condition-type"),
        ("params.word < 3", "spec.condition-type"),
        ("params.on < true", "spec.condition-type"),
        ("params.n in 3", "spec.condition-type"),
    ],
)
def test_what_cannot_be_decided_says_why(text: str, code: str) -> None:
    with pytest.raises(BongsuError) as caught:
        read(text).evaluate(FACTS)
    assert [p.code.name for p in caught.value.problems] == [code]


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("params.on", True),
        ("params.off and a.metrics.x > 1", False),
        ("a.metrics.x > 1 or params.on", True),
        ("params.on and a.metrics.x > 1", "a.metrics.x > 1"),
        ("params.n > 1 and (a.state == 'x' or matrix.share == 1)", "a.state == 'x'"),
        ("not (params.off or a.metrics['x.y'] > 1)", "not (a.metrics['x.y'] > 1)"),
        ("a.metrics.x > params.n", "a.metrics.x > 3"),
    ],
)
def test_planning_leaves_only_what_it_cannot_know(text: str, rest: object) -> None:
    found = read(text).partial(FACTS.params, FACTS.matrix)
    assert (found if isinstance(found, bool) else str(found)) == rest


def test_what_is_missing_matters_only_where_it_decides_wherever_it_stands() -> None:
    facts = Facts(states={"fallback": "succeeded", "prune": "skipped"})
    for text in (
        "prune.metrics.loss < 3 or fallback.state == 'succeeded'",
        "fallback.state == 'succeeded' or prune.metrics.loss < 3",
    ):
        assert read(text).evaluate(facts) is True
    with pytest.raises(BongsuError) as caught:
        read("prune.metrics.loss < 3 and fallback.state == 'succeeded'").evaluate(facts)
    assert caught.value.problems[0].code.name == "spec.condition-missing"


def test_names_that_are_words_of_python_are_written_so_that_they_can_be_read() -> None:
    condition = read("heal.metrics['class'] < 3 and params['from'] == 1 and matrix['lambda'] < 0.1")
    assert str(read(str(condition))) == str(condition)
    facts = Facts(params={"from": 1}, matrix={"lambda": 0.05}, metrics={"heal": {"class": 2.0}})
    assert condition.evaluate(facts) is True


def test_a_point_in_brackets_is_part_of_what_is_asked() -> None:
    condition = read("heal[keepFraction=0.5, seed=-1].metrics.loss < 3 and heal[keepFraction=0.75].state == 'x'")
    assert [name.target for name in condition.targets] == [
        "heal[keepFraction=0.5, seed=-1]",
        "heal[keepFraction=0.75]",
    ]
    assert str(read(str(condition))) == str(condition)
    renamed = condition.renamed({"heal[keepFraction=0.5, seed=-1]": "heal-2", "heal[keepFraction=0.75]": "heal-1"})
    assert str(renamed) == "(heal-2.metrics.loss < 3) and (heal-1.state == 'x')"


@pytest.mark.parametrize("text", ["heal[0.5].metrics.loss < 3", "heal[].state == 'x'", "heal[a=].state == 'x'"])
def test_brackets_that_select_nothing_are_found(text: str) -> None:
    found = parse(text)
    assert isinstance(found, list)
    assert [(finding.code.name, finding.offset) for finding in found] == [("spec.condition-name", 0)]


def test_names_and_stages_come_in_the_order_of_the_text() -> None:
    condition = read("b-1.state == 'x' and params.n > 1 and a.metrics['p.q'] < matrix.share and a.state != 'y'")
    assert [str(name) for name in condition.names] == [
        "b-1.state",
        "params.n",
        "a.metrics['p.q']",
        "matrix.share",
        "a.state",
    ]
    assert [name.target for name in condition.targets] == ["b-1", "a"]
    assert [name.target for name in condition.renamed({"a": "a-2"}).targets] == ["b-1", "a-2"]


LEAVES = st.sampled_from(["params.p", "params.q", "a.metrics.x > 1", "b-c.metrics.x > 1", "true", "false"])
TEXTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        inner.map(lambda t: f"not ({t})"),
    ),
    max_leaves=8,
)


@given(TEXTS)
def test_planning_never_changes_an_answer(text: str) -> None:
    condition = read(text)
    assert str(read(str(condition))) == str(condition)
    for p, q, x, y in itertools.product([True, False], [True, False], [0.0, 2.0], [0.0, 2.0]):
        params: dict[str, Any] = {"p": p, "q": q}
        facts = Facts(params=params, metrics={"a": {"x": x}, "b-c": {"x": y}})
        python = text.replace("params.p", str(p)).replace("params.q", str(q))
        python = python.replace("b-c.metrics.x", str(y)).replace("a.metrics.x", str(x))
        expected = eval(python, {"true": True, "false": False})
        planned = condition.partial(params)
        assert condition.evaluate(facts) is expected
        assert (planned if isinstance(planned, bool) else planned.evaluate(facts)) is expected


@given(st.text(max_size=60))
def test_any_text_is_a_condition_or_has_findings_inside_it(text: str) -> None:
    found = parse(text)
    if isinstance(found, list):
        assert found
        assert all(f.offset is not None and 0 <= f.offset <= len(text) for f in found)
