"""Labels: a least upper bound, whose review date releases nothing before its time."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bongsu.domain.labels import COMPARTMENT, OPEN, Grade, Label

labels = st.builds(
    Label,
    grade=st.sampled_from(list(Grade)),
    compartments=st.frozensets(st.sampled_from(["logistics", "signals"])),
    declassify_on=st.none() | st.dates(date(2027, 1, 1), date(2027, 1, 4)),
)


WRONG = ["", " a", "A", "a/b", "a b", "-a", "a-", "a\n", "é", "ㄱ", "a" * 41, "병참/통신"]
compartments = st.from_regex(COMPARTMENT, fullmatch=True)


@given(st.sampled_from(list(Grade)), st.frozensets(compartments, max_size=4))
def test_a_label_is_read_back_with_its_grade_and_every_compartment(grade: Grade, held_in: frozenset[str]) -> None:
    label = Label(grade=grade, compartments=held_in)
    assert Label.parse(str(label)) == label
    assert Label.model_validate_json(label.model_dump_json()) == label


@given(st.text(max_size=5) | st.text("a1가-/A ", max_size=45))
def test_what_is_taken_for_a_compartment_stays_whole(text: str) -> None:
    try:
        label = Label(compartments=frozenset({text}))
    except ValidationError:
        assert not COMPARTMENT.fullmatch(text)
    else:
        assert COMPARTMENT.fullmatch(text)
        assert Label.parse(str(label)) == label


@pytest.mark.parametrize("name", WRONG)
def test_a_compartment_has_one_spelling(name: str) -> None:
    with pytest.raises(ValidationError):
        Label(compartments=frozenset({name}))
    assert Label(compartments=frozenset({"logistics", "j-2", "병참", "a" * 40}))


@given(labels, labels, labels)
def test_a_join_does_not_depend_on_order_or_grouping(a: Label, b: Label, c: Label) -> None:
    assert a.join(a) == a
    assert a.join(b) == b.join(a)
    assert a.join(b).join(c) == a.join(b.join(c))


@given(labels, labels)
def test_nothing_protected_is_reviewed_before_its_own_date(a: Label, b: Label) -> None:
    joined = a.join(b)
    for side in (a, b):
        assert joined.dominates(side)
        if side.is_protected and joined.declassify_on is not None:
            assert side.declassify_on is not None
            assert joined.declassify_on >= side.declassify_on


def test_an_open_side_without_a_date_takes_none_away() -> None:
    dated = Label(grade=Grade.SENSITIVE, declassify_on=date(2027, 1, 1))
    assert dated.join(OPEN) == dated
