"""Labels: a least upper bound, whose review date releases nothing before its time."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.labels import OPEN, Grade, Label

labels = st.builds(
    Label,
    grade=st.sampled_from(list(Grade)),
    compartments=st.frozensets(st.sampled_from(["logistics", "signals"])),
    declassify_on=st.none() | st.dates(date(2027, 1, 1), date(2027, 1, 4)),
)


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
