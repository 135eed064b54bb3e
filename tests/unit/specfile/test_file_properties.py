"""What holds for any text and any matrix."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bongsu.domain.fieldpath import format_path, parse_path
from bongsu.domain.ordering import topological_order
from bongsu.domain.problems import BongsuError
from bongsu.domain.scalars import NumberTooLarge, format_scalar, parse_scalar, scalar_key
from bongsu.domain.templates import escape, fill_deep, parse_template
from bongsu.planner.matrix import StagePoint, agree, expand_matrix
from bongsu.specfile import loads
from bongsu.specfile.nodes import ScalarNode
from bongsu.specfile.parse import parse

sys.path.insert(0, str(Path(__file__).parent))
from pipeline_samples import CATALOGUE, HEAD, spec_of

DEMO = (Path(__file__).parents[3] / "pipelines" / "demo.yaml").read_text()
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def check(text: str | bytes, overrides: dict[str, str] | None = None) -> None:
    """Either it loads, or every problem has a place within the file and a whole sentence."""
    problems = []
    try:
        pipeline = loads(text, "f.yaml", CATALOGUE, overrides)
    except BongsuError as error:
        problems = error.problems
    else:
        expand_matrix(pipeline.spec, CATALOGUE)
        return
    assert problems
    decoded = text.decode("utf-8-sig", errors="replace") if isinstance(text, bytes) else text
    lines = decoded.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for problem in problems:
        place = problem.location
        assert place is not None
        assert 1 <= place.line <= len(lines)
        assert 1 <= place.column <= len(lines[place.line - 1]) + 1
        assert problem.what().endswith(".")
        assert problem.fix()


WORDS = """
    a b: - [ ] { } , : # & * ! | > ' " % @ ` ? << ~ null true 1 .inf 1e999 ${ } ${params.steps} ${matrix.k} $${
    &x *x --- ... é 가 name: uses: probe inputs: with: matrix: when: stages: {k: [1]} a.files a[*].files
    a[k=1].files !!int resources: timeout: include: exclude:
"""
BLANKS = ("\n", "\n\n", "\t", "\r\n", "\u2028", "\x00", " ", "  ", "    - ", "      ")
FRAGMENTS = st.sampled_from([*WORDS.split(), *BLANKS])


@FEW
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    check(text)


@FEW
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    check(data)


@FEW
@given(st.lists(FRAGMENTS, max_size=40).map("".join))
def test_any_text_that_resembles_yaml(text: str) -> None:
    check(text)
    check(HEAD + text)
    check(HEAD + "    - name: a\n      uses: probe\n      " + text)


@FEW
@given(st.data())
def test_any_edit_of_a_good_file(data: st.DataObject) -> None:
    text = DEMO
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 30)))
        text = text[:start] + data.draw(FRAGMENTS) + text[end:]
    check(text)


KEYS = ("name", "uses", "inputs", "with", "matrix", "when", "retries", "resources", "environment", "one", "k")
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["probe", "inputs.base", "a.files", "${matrix.k}", "1h", "4Gi", "params.steps > 1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS) | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@FEW
@given(st.data())
def test_any_value_in_any_place(data: st.DataObject) -> None:
    """One or two values of the demonstration replaced by something of any shape."""
    tree = yaml.safe_load(DEMO)
    for _ in range(data.draw(st.integers(1, 2))):
        node: Any = tree
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if not isinstance(node[key], dict | list) or not node[key] or data.draw(st.booleans()):
                node[key] = data.draw(JSON)
                break
            node = node[key]
    check(yaml.safe_dump(tree, allow_unicode=True))


@given(st.dictionaries(st.sampled_from(["steps", "share", "register", "word", "nope"]), st.text(max_size=12)))
def test_any_override(overrides: dict[str, str]) -> None:
    check(HEAD + "    - {name: a, uses: probe, when: params.register and params.steps > 3}\n", overrides)


SCALARS = (
    st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=20)
)


@given(SCALARS)
def test_scalars_survive_being_written_and_read(value: Any) -> None:
    written = "'" + value.replace("'", "''") + "'" if isinstance(value, str) else format_scalar(value)
    root, problems = parse(f"k: {written}\nl: [{written}]\n", "f.yaml")
    node = root.items["k"]
    assert problems == []
    assert isinstance(node, ScalarNode)
    assert (type(node.value), node.value) == (type(value), value)
    if not isinstance(value, str):
        assert parse_scalar(format_scalar(value)) == value


@given(st.text(max_size=12))
def test_a_scalar_is_text_or_reads_back(text: str) -> None:
    try:
        value = parse_scalar(text)
    except NumberTooLarge:
        return
    if value is not None and not isinstance(value, str):
        again = parse_scalar(format_scalar(value))
        assert again is not None
        assert scalar_key(again) == scalar_key(value)


@given(st.text(alphabet="a${}.prmstix ", max_size=20))
def test_escaped_text_comes_back_as_it_was(text: str) -> None:
    if "$$" not in text:
        assert fill_deep(escape(text), {}) == text


@given(st.text(alphabet="ab ", max_size=4), st.text(alphabet="${}paramstix.n", max_size=16))
def test_filling_parameters_first_changes_nothing(prefix: str, value: str) -> None:
    template = parse_template(prefix + "${params.p}-${matrix.m}$${")
    later = parse_template(str(template.fill_some("params", {"p": value})))
    if "$$" not in value and not value.endswith("$"):
        assert later.fill({"matrix": {"m": 1}}) == template.fill({"params": {"p": value}, "matrix": {"m": 1}})


@given(st.lists(st.integers(0, 10**6) | st.text(max_size=6), max_size=5).map(tuple))
def test_field_paths_read_back(path: tuple[str | int, ...]) -> None:
    assert parse_path(format_path(path)) == path


@given(
    st.integers(1, 12).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))))
    )
)
def test_order_respects_needs_and_names_real_cycles(graph: tuple[int, set[tuple[int, int]]]) -> None:
    count, edges = graph
    needs = {node: {b for a, b in edges if a == node} for node in range(count)}
    order, cycles = topological_order(count, needs)
    on_cycle = {node for cycle in cycles for node in cycle}
    assert sorted([*order, *on_cycle]) == list(range(count))
    done = set(on_cycle)
    for node in order:
        assert needs[node] - {node} <= done
        done.add(node)
    for cycle in cycles:
        assert len(cycle) > 1
        assert all(before in needs[node] for before, node in itertools.pairwise([*cycle, cycle[0]]))


AXES = st.dictionaries(
    st.sampled_from(["seed", "groupSize", "k"]),
    st.lists(st.integers(1, 4), min_size=1, max_size=3, unique=True),
    max_size=2,
)


@st.composite
def chains(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Stages that each take two earlier ones (or inputs), some with a matrix of their own."""
    stages: list[dict[str, Any]] = []
    for index in range(draw(st.integers(1, 5))):
        earlier = ["inputs.base", *(f"s{i}.model" for i in range(index))]
        axes = draw(AXES)
        stages.append(
            {
                "name": f"s{index}",
                "uses": "compress.distill",
                "inputs": {"student": draw(st.sampled_from(earlier)), "teacher": draw(st.sampled_from(earlier))},
                "with": {"steps": 1, **{f"note{axis}": "${matrix." + axis + "}" for axis in axes}},
                **({"matrix": axes} if axes else {}),
            }
        )
    return stages


@FEW
@given(chains())
def test_expansion_of_any_chain(stages: list[dict[str, Any]]) -> None:
    refused: set[str] = set()
    points: list[StagePoint] = []
    try:
        points = expand_matrix(spec_of(stages), CATALOGUE)
    except BongsuError as error:
        refused = {p.code.name for p in error.problems}
    if refused:
        assert refused <= {"spec.matrix-no-partner", "spec.matrix-lost-point", "spec.matrix-too-large"}
        return
    by_id = {point.id: point for point in points}
    assert len(by_id) == len(points)
    for point in points:
        for sources in point.inputs.values():
            for source in sources:
                assert source.stage_id is None or agree(by_id[source.stage_id].point, point.point)
    for index, stage in enumerate(stages):
        assert _points(points, index) == _oracle(points, stage, stages)


def _points(points: list[StagePoint], index: int) -> set[frozenset[tuple[str, Any]]]:
    found = [frozenset(p.point.items()) for p in points if p.index == index]
    assert len(set(found)) == len(found)
    return set(found)


def _oracle(
    points: list[StagePoint], stage: dict[str, Any], stages: list[dict[str, Any]]
) -> set[frozenset[tuple[str, Any]]]:
    """Every combination of a source of each input and an own point, kept where nothing contradicts."""
    names = {s["name"]: i for i, s in enumerate(stages)}
    choices: list[list[dict[str, Any]]] = []
    for reference in stage["inputs"].values():
        name = reference.split(".")[0]
        choices.append([{}] if name == "inputs" else [p.point for p in points if p.index == names[name]])
    axes = stage.get("matrix", {})
    choices.append([dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())])
    found = set()
    for combination in itertools.product(*choices):
        merged = {axis: value for part in combination for axis, value in part.items()}
        if all(merged[axis] == value for part in combination for axis, value in part.items()):
            found.add(frozenset(merged.items()))
    return found


@pytest.mark.parametrize("word", ["a: &a [*a]", "a: &a {b: *a}", "? &a [*a]\n: 1"])
def test_aliases_of_what_is_open_never_hang(word: str) -> None:
    check(word)
