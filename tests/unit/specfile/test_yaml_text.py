"""The text of a pipeline file: YAML 1.2 read right, and each thing that is refused, with its place."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from bongsu.domain.problems import BongsuError
from bongsu.specfile import load, loads
from bongsu.specfile.nodes import MapNode, ScalarNode
from bongsu.specfile.parse import parse

sys.path.insert(0, str(Path(__file__).parent))
from pipeline_samples import CATALOGUE, HEAD

Expected = list[tuple[str, int, int]]


def problems_of(text: str | bytes) -> Expected:
    with pytest.raises(BongsuError) as caught:
        loads(text, "f.yaml", CATALOGUE)
    found = []
    for problem in caught.value.problems:
        assert problem.location is not None
        found.append((problem.code.name.removeprefix("spec."), problem.location.line, problem.location.column))
    return found


def text_problems_of(text: str | bytes) -> Expected:
    """Without what follows from the text being no pipeline."""
    return [found for found in problems_of(text) if found[0] not in ("missing-key", "unknown-key")]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("1e-3", 1e-3),
        ("2.0e-3", 2.0e-3),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("+7", 7),
        ("-12", -12),
        ("012", 12),
        ("0o17", 15),
        ("0x1f", 31),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2026-01-31", "2026-01-31"),
        ("0b11", "0b11"),
        ("~", None),
        ("null", None),
        ("", None),
        ("Null", None),
        ("'1'", "1"),
        ('"no"', "no"),
        ('"\\u00e9\\n"', "é\n"),
        ("=", "="),
        ("1.2.3", "1.2.3"),
        ("-", "-"),
        ("${params.x}", "${params.x}"),
        ("가나다", "가나다"),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_scalars_follow_the_core_schema(written: str, value: object) -> None:
    if written == "-":
        written = "'-'"
    root, problems = parse(f"key: {written}\n", "f.yaml")
    node = root.items["key"]
    assert problems == []
    assert isinstance(node, ScalarNode)
    assert (type(node.value), node.value) == (type(value), value)


def test_anchors_and_aliases() -> None:
    root, problems = parse("a: &x {k: 1}\nb: *x\nc: [*x, *x]\n", "f.yaml")
    assert problems == []
    assert root.items["a"] is root.items["b"]
    assert root.size == 10


@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_ends_and_byte_order_mark_change_nothing(prefix: bytes, newline: str) -> None:
    stages = "    - {name: a, uses: probe}\n    - {name: b, uses: prob}\n"
    text = (HEAD + stages).replace("\n", newline)
    assert problems_of(prefix + text.encode()) == [("unknown-uses", 17, 23)]


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(ord(name) + 1)}: &{chr(ord(name) + 1)} [{','.join(['*' + name] * 10)}]\n" for name in "abcdefgh"
)

REFUSED: dict[str, tuple[str | bytes, tuple[str, int, int]]] = {
    "empty": ("", ("empty-file", 1, 1)),
    "only a comment": ("# nothing\n", ("empty-file", 1, 1)),
    "null": ("~\n", ("empty-file", 1, 1)),
    "a list": ("- a\n", ("wrong-type", 1, 1)),
    "a text": ("hello\n", ("wrong-type", 1, 1)),
    "too large": ("a: " + "x" * 2**20, ("file-too-large", 1, 1)),
    "not UTF-8": (b"a: 1\nb: \xff\n", ("encoding", 2, 4)),
    "UTF-16": ("a: 1".encode("utf-16"), ("encoding", 1, 1)),
    "truncated UTF-8": ("a: 가".encode()[:-1], ("encoding", 1, 4)),
    "NUL": ("a: 1\nb: \x00\n", ("control-character", 2, 4)),
    "escape character": ("a: \x1b[31m\n", ("control-character", 1, 4)),
    "line separator": ("a: 1\u2028b: 2\n", ("control-character", 1, 5)),
    "direction override": ("a: x\u202ey\n", ("control-character", 1, 5)),
    "half surrogate": ("a: \ud800\n", ("control-character", 1, 4)),
    "escaped NUL": ('a: 1\nb: "x\\0"\n', ("control-character", 2, 4)),
    "tab as indentation": ("a:\n\tb: 1\n", ("tab", 2, 1)),
    "tab in a block": ("a: |\n  x\n\ty\n", ("tab", 3, 1)),
    "second document": ("a: 1\n---\nb: 1\n", ("several-documents", 2, 1)),
    "duplicate key": ("a: 1\nb: {c: 1,\n  c: 2}\n", ("duplicate-key", 3, 3)),
    "number as key": ("a: 1\n7: b\n", ("non-text-key", 2, 1)),
    "true as key": ("a: 1\ntrue: b\n", ("non-text-key", 2, 1)),
    "list as key": ("a: 1\n? [b]\n: c\n", ("non-text-key", 2, 3)),
    "alias as key": ("a: &x b\n*x : c\n", ("non-text-key", 2, 1)),
    "merge key": ("a: &x {b: 1}\nc:\n  <<: *x\n", ("merge-key", 3, 3)),
    "custom tag": ("a: !foo 1\n", ("tag", 1, 4)),
    "binary": ("a: !!binary aGk=\n", ("tag", 1, 4)),
    "python object": ("a: !!python/object:os.system {}\n", ("tag", 1, 4)),
    "unknown alias": ("a: &one 1\nb: *on\n", ("unknown-alias", 2, 4)),
    "recursive alias": ("a: &x [1, *x]\n", ("recursive-alias", 1, 11)),
    "alias bomb": (BOMB, ("too-many-values", 5, 35)),
    "aliases of a long text": (
        "a: &x " + "x" * 50_000 + "\nb: [" + "*x," * 90 + "]\n",
        ("too-large-expanded", 2, 254),
    ),
    "many values": ("a: [" + "1," * 100_001 + "]\n", ("too-many-values", 1, 200_003)),
    "deep": ("a: " + "[" * 70 + "]" * 70, ("too-deep", 1, 67)),
    "very deep": ("a: " + "[" * 5_000, ("too-deep", 1, 1_003)),
    "infinite": ("a: .inf\n", ("number", 1, 4)),
    "not a number": ("a: [1, .NaN]\n", ("number", 1, 8)),
    "overflow": ("a: 1e999\n", ("number", 1, 4)),
    "many digits": ("a: " + "9" * 5_000 + "\n", ("number", 1, 4)),
    "colon in a text": ("a: b: c\n", ("syntax", 1, 5)),
    "no colon": ("a: 1\nb\n", ("syntax", 3, 1)),
    "open quote": ("a: 1\nb: 'x\n", ("syntax", 2, 4)),
    "open bracket": ("a: [1\nb: 2\n", ("syntax", 2, 2)),
    "bad start": ("a: @x\n", ("syntax", 1, 4)),
    "bad escape": ('a: "\\q"\n', ("syntax", 1, 5)),
    "template in braces": ("a: {steps: ${params.x}}\n", ("syntax", 1, 13)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_text_is_named_with_its_place(name: str) -> None:
    text, expected = REFUSED[name]
    assert text_problems_of(text) == [expected]


def test_faults_that_leave_the_rest_readable_come_together() -> None:
    text = HEAD + "    - {name: a, name: b, uses: !x probe, 7: x}\n    - {name: c, uses: prob}\n"
    assert problems_of(text) == [
        ("duplicate-key", 16, 17),
        ("tag", 16, 32),
        ("non-text-key", 16, 42),
        ("unknown-uses", 17, 23),
    ]


def test_aliased_values_are_checked_where_they_are_written() -> None:
    text = HEAD + (
        "    - {name: a, uses: probe, resources: &r {workers: many}}\n    - {name: b, uses: probe, resources: *r}\n"
    )
    assert problems_of(text) == [("wrong-type", 16, 54), ("wrong-type", 16, 54)]


def test_deep_aliases_count_as_if_written_out() -> None:
    nested = "a: &a " + "[" * 40 + "]" * 40 + "\nb: " + "[" * 40 + "*a" + "]" * 40 + "\n"
    assert text_problems_of(nested)[0][0] == "too-deep"


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda folder: folder / "none.yaml", "spec.missing-file"),
        (lambda folder: folder, "spec.unreadable-file"),
        (lambda folder: folder / "a\0b", "spec.unreadable-file"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, make: object, code: str) -> None:
    assert callable(make)
    with pytest.raises(BongsuError) as caught:
        load(make(tmp_path), CATALOGUE)
    assert [p.code.name for p in caught.value.problems] == [code]


def test_a_root_keeps_the_order_of_its_keys() -> None:
    root, _problems = parse("b: 1\na: 2\n", "f.yaml")
    assert isinstance(root, MapNode)
    assert list(root.items) == ["b", "a"]


@pytest.mark.parametrize("character", ["\u200b", "\u200d", "\u00ad", "\u3164", "\u2060", "\ufe0f", "\U000e0041"])
@pytest.mark.parametrize("line", ["표{}적", '"quoted {} text"', "'{}'", "plain # a comment {} behind"])
def test_characters_that_nobody_sees_are_refused_with_their_place(character: str, line: str) -> None:
    text = "a: 가나\nb: " + line.format(character)
    at = text.splitlines()[1].index(character) + 1
    assert text_problems_of(text) == [("control-character", 2, at)]


@pytest.mark.parametrize("escape", ["\\u200b", "\\u202e", "\\e", "\\x9b"])
def test_an_escape_brings_no_character_in_that_nobody_sees(escape: str) -> None:
    assert text_problems_of(f'a: "x{escape}"') == [("control-character", 1, 4)]


def test_korean_text_and_emoji_pass() -> None:
    root, problems = parse("a: 국방 문서를 “초안”하고… ⚠️ 검색합니다 — (㈜봉수)\n", "f.yaml")
    assert (list(root.items), problems) == (["a"], [])


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/null", "."])
def test_only_regular_files_are_read(place: str) -> None:
    with pytest.raises(BongsuError) as caught:
        load(Path(place), CATALOGUE)
    assert caught.value.problems[0].code.name == "spec.unreadable-file"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(BongsuError, match=r"pipe"):
        load(tmp_path / "fifo", CATALOGUE)
