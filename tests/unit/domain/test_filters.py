"""What a filter asks for, as it is read."""

from __future__ import annotations

import pytest

from bongsu.domain.filters import Comparison, FieldKind, OneOf, Operator, parse_filter
from bongsu.domain.problems import BongsuError

FIELDS = {"state": OneOf.of(["open", "ended"]), "label": FieldKind.LABEL, "name": FieldKind.WORD}


@pytest.mark.parametrize(
    ("text", "field", "known"),
    [
        ("state = nonsense", "state", "open, ended"),
        ("state != Open", "state", "open, ended"),
        ("state : open, opened", "state", "open, ended"),
        ("label = nonsense", "label", "O, S, III, II, I, C"),
        ("label : O, S/", "label", "O, S, III, II, I, C"),
    ],
)
def test_a_value_that_a_field_never_has_is_refused_with_those_that_it_has(
    text: str, field: str, known: str
) -> None:
    with pytest.raises(BongsuError) as caught:
        parse_filter(text, FIELDS)
    (problem,) = caught.value.problems
    assert (problem.code.name, problem.args["field"]) == ("api.unknown-value", field)
    assert known in problem.fix()


def test_values_that_a_field_has_are_read() -> None:
    found = parse_filter('state : open, ended AND label = "S/b/a" AND name = nonsense', FIELDS)
    assert found == (
        Comparison("state", Operator.ANY_OF, ("open", "ended")),
        Comparison("label", Operator.IS, ("S/a/b",)),
        Comparison("name", Operator.IS, ("nonsense",)),
    )


@pytest.mark.parametrize("text", ["state < open", "label >= S"])
def test_words_and_labels_have_no_order(text: str) -> None:
    with pytest.raises(BongsuError) as caught:
        parse_filter(text, FIELDS)
    assert [one.code.name for one in caught.value.problems] == ["api.bad-filter"]
