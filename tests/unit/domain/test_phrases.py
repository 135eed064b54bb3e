"""Phrases and their sentences: each is given what it names, and each can be kept."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import bongsu
import bongsu_stages
from bongsu.cli.messages import placeholders
from bongsu.domain.codes import all_codes
from bongsu.domain.phrases import clause, in_words, joined, phrase
from bongsu.domain.stored_words import as_json, from_json

PACKAGES = [Path(package.__file__ or "").parent for package in (bongsu, bongsu_stages)]
SPOKEN = ("StageError", "Failure")
# What these are given first stands inside a sentence that is translated.
INSIDE = ("NotFound", "UnreadableConfig", "_NotAModel", "_Unreadable", "_undecidable", "Refused")


def calls(*names: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call of a function of these names, and its place."""
    for folder in PACKAGES:
        for file in sorted(folder.rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                    yield f"{file.relative_to(folder.parent)}:{node.lineno}", node


def written(node: ast.expr) -> str | None:
    """The sentence in ``N_("...")`` or ``"..."``; None for one that is made elsewhere."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "N_":
        node = node.args[0]
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def test_every_phrase_is_given_what_its_sentence_names() -> None:
    seen = 0
    for place, call in calls("phrase"):
        template = written(call.args[0])
        if template is None or any(keyword.arg is None for keyword in call.keywords):
            continue
        seen += 1
        names = {keyword.arg: 1 for keyword in call.keywords if keyword.arg}
        assert set(names) == placeholders(template), place
        made = phrase(template, **names)
        assert from_json(as_json(made)) == made, f"{place}: it does not survive being stored"
    assert seen > 150


def test_every_sentence_of_a_failure_can_be_translated() -> None:
    seen = 0
    for place, call in calls(*SPOKEN):
        sentences = [*call.args[:2], *(word.value for word in call.keywords if word.arg in ("message", "fix"))]
        for sentence in sentences:
            seen += 1
            assert not isinstance(sentence, ast.Constant) or not sentence.value, f"{place}: without N_"
            if isinstance(sentence, ast.JoinedStr):
                texts = [part.value for part in sentence.values if isinstance(part, ast.Constant)]
                assert not any(map(str.isalpha, "".join(map(str, texts)))), f"{place}: no phrase"
    assert seen > 150


def test_what_stands_inside_a_sentence_can_be_translated() -> None:
    seen = dict.fromkeys(INSIDE, 0)
    for place, call in calls(*INSIDE):
        detail = call.args[0]
        seen[call.func.id] += 1  # type: ignore[attr-defined]
        assert not isinstance(detail, ast.Constant | ast.JoinedStr | ast.BinOp), f"{place}: neither N_ nor phrase"
    assert all(seen.values()), "each stands somewhere"


def test_why_nothing_moves_can_be_translated() -> None:
    """Sentences in the reconciler are written with N_; an f-string has no letters but those of values."""
    files = sorted((PACKAGES[0] / "reconciler").glob("*.py"))
    seen = 0
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr):
                seen += 1
                texts = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
                assert " " not in texts.strip(": "), f"{file.name}:{node.lineno}: {texts!r} is no phrase"
    assert seen


def test_the_words_of_every_code_can_be_kept() -> None:
    for code in all_codes():
        args = dict.fromkeys(placeholders(code.what) | placeholders(code.fix) | {"suggestion"}, "x")
        problem = code.at(**args)
        for words, english in ((problem.sentence(), problem.what()), (problem.remedy(), problem.fix())):
            assert from_json(as_json(words)) == words, code.name
            assert str(words) == english


@pytest.mark.parametrize("words", ["It broke.", phrase("It {what}.", what="broke")])
def test_a_clause_leaves_the_full_stop_to_its_sentence(words: str) -> None:
    assert str(phrase("The run failed: {why}.", why=clause(words))) == "The run failed: It broke."


def test_words_behind_one_another_are_each_said_in_the_language() -> None:
    korean = {"no {what}": "{what} 없음", "late": "늦음"}
    words = joined([phrase("no {what}", what="a"), "late", phrase("no {what}", what="b")])
    assert in_words(words, lambda text: korean.get(text, text)) == "a 없음; 늦음; b 없음"
    assert str(words) == "no a; late; no b"
    assert from_json(as_json(words)) == words
    assert str(joined([])) == ""


def test_a_phrase_whose_values_do_not_fit_is_said_all_the_same() -> None:
    assert str(phrase("{one} of {two}", one=1)) == "{one} of {two}"
    assert str(phrase("{one:,}", one="many")) == "{one:,}"
