"""Grades: one order for every site, schemes that choose of them, and how people write them."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.grades import N2SF, RESTRICTED, SPELLED, SPELLINGS, GradeScheme, OutsideGrades, SchemeName
from bongsu.domain.labels import Grade, Label, high_water_mark

MILITARY = GradeScheme(SchemeName.MILITARY)
SCHEMES = [
    GradeScheme(name, restricted)
    for name in SchemeName
    for restricted in GradeScheme(name).grades
    if restricted is not Grade.OPEN
]
THIRD, SECOND, FIRST = Grade.SECRET_III, Grade.SECRET_II, Grade.SECRET_I
labels = st.builds(
    Label,
    grade=st.sampled_from(list(Grade)),
    compartments=st.frozensets(st.sampled_from(["air", "logistics", "signals"])),
)
schemes = st.sampled_from(SCHEMES)


def test_there_is_one_order_and_the_three_of_n2sf_keep_theirs() -> None:
    assert [grade.value for grade in sorted(Grade, key=lambda one: one.rank)] == ["O", "S", "III", "II", "I", "C"]


@given(labels, labels, labels)
def test_to_dominate_is_a_partial_order(a: Label, b: Label, c: Label) -> None:
    assert a.dominates(a)
    if a.dominates(b) and b.dominates(a):
        assert (a.grade, a.compartments) == (b.grade, b.compartments)
    if a.dominates(b) and b.dominates(c):
        assert a.dominates(c)


@given(labels, labels, labels)
def test_a_join_is_the_least_of_all_that_dominate_both(a: Label, b: Label, c: Label) -> None:
    joined = a.join(b)
    assert joined.dominates(a)
    assert joined.dominates(b)
    assert (c.dominates(a) and c.dominates(b)) == c.dominates(joined)
    assert a.join(a) == a
    assert a.join(b) == b.join(a)
    assert a.join(b).join(c) == a.join(b.join(c))


@given(st.lists(st.sampled_from(MILITARY.grades)))
def test_what_is_made_of_a_sites_grades_has_one_of_them(grades: list[Grade]) -> None:
    assert MILITARY.has(high_water_mark(Label(grade=one) for one in grades))


def test_schemes_choose_and_what_no_scheme_of_the_site_has_is_above_its_highest_secret() -> None:
    assert N2SF.grades == (Grade.OPEN, Grade.SENSITIVE, Grade.CLASSIFIED)
    assert MILITARY.grades == (Grade.OPEN, Grade.SENSITIVE, THIRD, SECOND, FIRST)
    assert not MILITARY.has(Label(grade=Grade.CLASSIFIED))
    assert not any(Label(grade=one).dominates(Label(grade=Grade.CLASSIFIED)) for one in MILITARY.grades)
    assert not any(N2SF.has(Label(grade=one)) for one in (THIRD, SECOND, FIRST))


@pytest.mark.parametrize(("name", "restricted"), list(product(SchemeName, Grade)))
def test_restricted_stands_under_a_grade_of_the_site_above_open(name: SchemeName, restricted: Grade) -> None:
    if restricted is Grade.OPEN or restricted not in GradeScheme(name).grades:
        with pytest.raises(ValueError, match=RESTRICTED):
            GradeScheme(name, restricted)
    else:
        assert GradeScheme(name, restricted).grade(RESTRICTED) is restricted


@pytest.mark.parametrize(
    ("written", "grade"),
    [
        ("III", THIRD),
        ("Ⅲ", THIRD),
        ("III급", THIRD),
        ("Ⅲ급", THIRD),
        ("3급", THIRD),
        ("３급", THIRD),
        ("II급 비밀", SECOND),
        ("군사 Ⅱ급 비밀", SECOND),
        ("군사2급비밀", SECOND),
        ("Ⅰ급", FIRST),
        (" 1 급 ", FIRST),
        ("대외비", Grade.SENSITIVE),
        ("대 외 비", Grade.SENSITIVE),
        ("S", Grade.SENSITIVE),
    ],
)
def test_a_grade_is_read_as_people_write_it(written: str, grade: Grade) -> None:
    assert MILITARY.grade(written) is grade
    assert MILITARY.canonical(written) == grade.value
    assert MILITARY.canonical({"grade": written, "compartments": ["a"]}) == {
        "grade": grade.value,
        "compartments": ["a"],
    }


@pytest.mark.parametrize(
    "written",
    [
        "",
        "s",
        " S",
        "Ｓ",
        "C",
        "4급",
        "IV",
        "2",
        "급",
        "IIII급",
        "2급 2급",
        "secret",
        "I I",
        "Ⅰ Ⅱ급 비밀",
        "I\nII급",
        "ⅠⅡ",
        "①급",
    ],
)
def test_what_is_no_grade_of_a_military_site_is_refused(written: str) -> None:
    with pytest.raises(OutsideGrades) as whole:
        MILITARY.canonical(written)
    with pytest.raises(OutsideGrades) as inside:
        MILITARY.canonical({"grade": written})
    assert (whole.value.written, whole.value.inside) == (written, False)
    assert (inside.value.written, inside.value.inside) == (written, True)


@given(schemes, st.text(max_size=6) | st.text("군사ⅠⅡⅢI123급 비밀대외OSC", max_size=8))
def test_whatever_is_written_is_a_grade_of_the_site_or_refused(scheme: GradeScheme, written: str) -> None:
    try:
        found = scheme.grade(written)
    except OutsideGrades:
        assert written not in scheme.grades
        assert scheme != MILITARY or not re.fullmatch(SPELLED, written)
    else:
        assert found in scheme.grades
        assert scheme.canonical(scheme.canonical(written)) == found


@given(schemes, st.from_regex(SPELLED, fullmatch=True) | st.sampled_from(SPELLINGS))
def test_what_a_schema_takes_is_read(scheme: GradeScheme, written: str) -> None:
    try:
        assert scheme.grade(written) in scheme.grades
    except OutsideGrades:
        assert scheme.name is SchemeName.N2SF, "which has none of the military grades"


@given(schemes, st.none() | st.integers() | st.lists(st.text()) | st.dictionaries(st.text(), st.integers()))
def test_what_is_no_label_at_all_is_left_to_whoever_validates_it(scheme: GradeScheme, stated: object) -> None:
    assert scheme.canonical(stated) == stated


def test_a_label_in_one_text_is_read_with_its_compartments() -> None:
    expected = Label(grade=SECOND, compartments=frozenset({"logistics", "병참"}))
    assert MILITARY.label("2급/logistics/병참") == expected
    with pytest.raises(OutsideGrades):
        N2SF.label("2급/logistics")
    with pytest.raises(ValueError, match="compartments"):
        MILITARY.label("2급/Not One")
