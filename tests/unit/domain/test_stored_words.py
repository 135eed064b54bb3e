"""Words in JSON: they come back as they were, and whatever stands there can be said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bongsu.domain.attempt import Failure
from bongsu.domain.phrases import Clause, Description, Phrase, Verbatim, Words, in_words, phrase
from bongsu.domain.stored_words import StoredWords, as_json, from_json, kept
from bongsu.store.json_columns import words_from, words_text

ADAPTER: TypeAdapter[Words] = TypeAdapter(StoredWords)
NAMES = st.sampled_from(["one", "two", "limit", "self", "template"])
TEXTS = st.text(max_size=20)
VALUES = TEXTS | st.integers() | st.floats() | st.booleans() | st.none() | st.binary(max_size=5)


def fitting(values: dict[str, Any], texts: list[str]) -> Phrase:
    """A phrase that names each of its values once, with text around them."""
    around = [text.replace("{", "{{").replace("}", "}}") for text in texts]
    fields = [f"{{{name}}}" for name in values]
    return Phrase("".join(a + b for a, b in zip(around, [*fields, ""], strict=False)), tuple(values.items()))


def phrases_of(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Phrase]:
    return st.builds(
        fitting, st.dictionaries(NAMES, values, max_size=4), st.lists(TEXTS, min_size=5, max_size=5)
    ) | st.builds(Verbatim, TEXTS)


PHRASES = phrases_of(VALUES | phrases_of(VALUES | phrases_of(VALUES)))
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | NAMES, inner, max_size=3),
    max_leaves=10,
)
TEMPLATES = st.text(alphabet="{}!:.[]0onetwlimr,sx ", max_size=20)
HOSTILE = st.recursive(
    st.fixed_dictionaries(
        {}, optional={"template": TEMPLATES | ANY_JSON, "values": ANY_JSON, "kind": ANY_JSON | st.just("verbatim")}
    ),
    lambda inner: st.fixed_dictionaries(
        {"template": TEMPLATES, "values": st.dictionaries(NAMES, inner, max_size=3)}
    ),
    max_leaves=6,
)


@given(PHRASES | TEXTS)
def test_words_come_back_from_json_as_they_were(words: Words) -> None:
    stored = ADAPTER.dump_json(words)
    again = ADAPTER.validate_json(stored)
    assert again == kept(words)
    assert ADAPTER.dump_json(again) == stored
    assert str(again) == str(kept(words))
    assert words_from(words_text(words)) == again


@given(PHRASES)
def test_what_is_kept_says_the_same_in_english(words: Phrase) -> None:
    assert str(kept(words)) == str(words)


@given(TEXTS, TEXTS)
def test_braces_in_values_are_braces(one: str, two: str) -> None:
    words = phrase("{one} and {two}", one=f"{{{one}}}", two=two)
    assert str(from_json(as_json(words))) == f"{{{one}}} and {two}"


@given(HOSTILE)
def test_whatever_stands_there_can_be_said(stored: dict[str, Any]) -> None:
    words = from_json(stored)
    assert isinstance(str(words), str)
    assert isinstance(in_words(words, lambda text: text + "{more} {}"), str)
    assert from_json(json.loads(json.dumps(as_json(words)))) == words


@pytest.mark.parametrize(
    "template",
    [
        "{one.__class__}",
        "{one[0]}",
        "{one!r}",
        "{one:>9999999999}",
        "{one:{two}}",
        "{}",
        "{other}",
        "{one",
        "}",
        "{one}" * 40,
    ],
)
def test_a_template_that_asks_for_more_than_its_values_is_words(template: str) -> None:
    words = from_json({"template": template, "values": {"one": "x", "two": "9"}})
    assert words == Verbatim(template)
    assert str(words) == template


def test_a_few_bytes_do_not_become_many() -> None:
    bomb: dict[str, Any] = {"template": "{one}" * 3, "values": {"one": "x" * 100}}
    for _ in range(50):
        bomb = {"template": "{one}" * 3, "values": {"one": bomb}}
    assert len(str(from_json(bomb))) < 1_000_000


def test_a_number_of_too_many_digits_can_be_said_and_stored() -> None:
    record = '{"reason": "StageError", "message": {"template": "{n}", "values": {"n": 1' + "0" * 4200 + "}}}"
    failure = Failure.model_validate_json(record)
    assert str(failure.message).startswith("0x")
    assert Failure.model_validate_json(failure.model_dump_json()) == failure


@pytest.mark.parametrize("kind", [Verbatim, Description, Clause])
def test_the_kind_of_a_phrase_is_kept(kind: type[Phrase]) -> None:
    words = phrase("It says: {words}", words=kind("It is so."))
    again = from_json(as_json(words))
    assert again == words
    assert str(again) == str(words)


def test_figures_keep_their_form_and_what_is_none_becomes_text() -> None:
    words = phrase("{a:,} {b:.2f} {c} {d} {e}", a=12_000, b=1.5, c=float("nan"), d=[1, "x"], e=None)
    assert str(from_json(as_json(words))) == str(words) == "12,000 1.50 nan [1, 'x'] None"


def test_a_name_of_bytes_that_are_no_text_can_be_stored() -> None:
    message = phrase("No file {name}.", name="a\udcff")
    failure = Failure(reason="StageError", message=message, fix="b\udcff", detail="c\udcff")
    again = Failure.model_validate_json(failure.model_dump_json())
    assert (str(again.message), again.fix, again.detail) == ("No file a\\udcff.", "b\\udcff", "c\\udcff")


def test_a_failure_of_an_older_worker_is_read() -> None:
    old = '{"reason": "StageError", "message": "It {broke}.", "fix": "Mend it.", "retryable": true, "detail": ""}'
    failure = Failure.model_validate_json(old)
    assert (failure.message, failure.fix) == ("It {broke}.", "Mend it.")
    assert json.loads(failure.model_dump_json())["message"] == "It {broke}."


def test_a_failure_keeps_its_template() -> None:
    failure = Failure(reason="StageError", message=phrase("{count} broke.", count=3), fix="Mend it.")
    again = Failure.model_validate_json(failure.model_dump_json())
    assert again == failure
    assert (
        in_words(again.message, {"{count} broke.": "{count}개가 고장 났습니다."}.__getitem__)
        == "3개가 고장 났습니다."
    )


@pytest.mark.parametrize("message", ["7", "null", "[]", "true"])
def test_what_is_neither_text_nor_template_is_no_message(message: str) -> None:
    with pytest.raises(ValidationError):
        Failure.model_validate_json(f'{{"reason": "StageError", "message": {message}}}')
