"""Where a label came from, held against all paths of random graphs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.label_origins import label_parts
from bongsu.domain.labels import OPEN, Grade, Label, high_water_mark

LABELS = st.builds(
    Label, grade=st.sampled_from(Grade), compartments=st.frozensets(st.sampled_from(["army", "navy"]), max_size=2)
)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, Label], list[tuple[str, str]]]:
    """Things with what was stated of each, and edges that go from smaller numbers to greater ones."""
    count = draw(st.integers(1, 8))
    stated = {str(number): draw(st.one_of(st.just(OPEN), LABELS)) for number in range(count)}
    pairs = [(str(one), str(two)) for two in range(count) for one in range(two)]
    return stated, draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []


def above(name: str, edges: list[tuple[str, str]]) -> set[str]:
    found = {name}
    for source, target in sorted(edges, key=lambda edge: -int(edge[1])):
        if target in found:
            found.add(source)
    return found


@given(graphs())
def test_origins_alone_explain_the_whole_label(graph: tuple[dict[str, Label], list[tuple[str, str]]]) -> None:
    stated, edges = graph
    start = str(len(stated) - 1)
    labels = {name: high_water_mark(stated[one] for one in above(name, edges)) for name in stated}
    parts = {one.part: one.origins for one in label_parts(start, labels, edges)}
    label = labels[start]
    expected = {*label.compartments} | ({label.grade.value} if label.grade is not Grade.OPEN else set())
    assert set(parts) == expected
    for part, origins in parts.items():
        # Exactly those upstream of which it was stated, but for those that would carry it without their own statement.
        brought = {
            name
            for name in above(start, edges)
            if part in (stated[name].grade.value, *stated[name].compartments)
            and not any(
                part in (stated[one].grade.value, *stated[one].compartments) for one in above(name, edges) - {name}
            )
        }
        assert set(origins) == brought


def test_a_label_that_was_stated_of_the_thing_itself_came_from_there() -> None:
    labels = {"law": OPEN, "model": Label(grade=Grade.SENSITIVE)}
    assert [(one.part, one.origins) for one in label_parts("model", labels, [("law", "model")])] == [
        ("S", ("model",))
    ]


def test_an_open_thing_has_no_parts() -> None:
    assert list(label_parts("law", {"law": OPEN}, [])) == []
