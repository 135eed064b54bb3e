"""Labels in random graphs of stages and runs, through submission, the reconciler and labels that are stated later,
against the join over everything that a thing was made from."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from service_places import Place, drive
from small_plans import plan_of, planned_input, stage

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.attempt import AttemptId
from bongsu.domain.ids import Digest
from bongsu.domain.labels import OPEN, Grade, Label
from bongsu.service.showing import show_run
from bongsu.service.submitting import submit
from bongsu.store.artifacts import get_artifact, note_artifact

LABELS = st.builds(
    lambda grade, compartments: Label(grade=grade, compartments=frozenset(compartments)),
    st.sampled_from(Grade),
    st.sets(st.sampled_from(("air", "log", "sig")), max_size=2),
)


@dataclass(frozen=True)
class Drawn:
    """One stage: which earlier ones it takes, what was planned for it, and what its worker says."""

    takes: tuple[int, ...]
    planned: Label
    said: Label | None


@st.composite
def graphs(draw: st.DrawFn) -> list[Drawn]:
    size = draw(st.integers(1, 6))
    return [
        Drawn(
            tuple(sorted(draw(st.sets(st.integers(0, number - 1), max_size=3)))) if number else (),
            draw(st.just(OPEN) | LABELS),
            draw(st.none() | LABELS),
        )
        for number in range(size)
    ]


def join(*labels: Label) -> Label:
    """The rule, written apart from the product's."""
    grade = max((one.grade.value for one in labels), key=("O", "S", "III", "II", "I", "C").index, default="O")
    return Label(grade=Grade(grade), compartments=frozenset().union(*(one.compartments for one in labels)))


def run_of(place: Place, name: str, graph: list[Drawn], given: tuple[Digest, Label] | None) -> list[Digest]:
    """Outputs of the stages of a run in which workers say what was drawn; the first stage takes what is given."""
    said = {f"s{number}": one.said for number, one in enumerate(graph)}

    def fate(attempt: AttemptId) -> None:
        place.cluster.succeed(attempt, label=said[attempt.stage_id])

    place.fate = fate
    inputs, stages = [], []
    if given is not None:
        ref = ArtifactRef(digest=given[0], type=ArtifactType.FILES, label=given[1], size=1)
        inputs = [planned_input("base", f"artifact:{given[0]}", ref)]
    for number, one in enumerate(graph):
        takes = [f"s{other}" for other in one.takes] + (["inputs.base"] if given and number == 0 else [])
        # Plans are made by the planner, which never plans less than what goes in, as it is then.
        stages.append(stage(f"s{number}", *takes, label=one.planned, params={"text": f"{name} {number}"}))
    run = submit(place.platform, plan_of(*stages, name=name, inputs=inputs)).run.id
    drive(place.platform, [run])
    outputs = [show_run(place.platform, run).stage(f"s{number}").record.outputs for number in range(len(graph))]
    return [one["files"].digest for one in outputs]


def label_of(place: Place, digest: Digest) -> Label:
    with place.platform.read() as connection:
        found = get_artifact(connection, digest)
    assert found is not None
    return Label.parse(found.label)


@given(graphs(), graphs(), st.data())
@settings(max_examples=30, deadline=None, derandomize=True, database=None)
def test_everything_carries_the_join_of_all_it_was_made_from(
    first: list[Drawn], second: list[Drawn], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        try:
            made = run_of(place, "first", first, None)
            taken = data.draw(st.integers(0, len(made) - 1))
            # What the second run is told of its input may be too low: what is known of the bytes counts.
            then = run_of(place, "second", second, (made[taken], OPEN))
            digests = [*made, *then]
            own = [join(one.planned, one.said or OPEN) for one in (*first, *second)]
            takes = [one.takes for one in first]
            behind = len(first)
            takes += [
                tuple(other + behind for other in one.takes) + ((taken,) if number == 0 else ())
                for number, one in enumerate(second)
            ]
            stated = data.draw(st.lists(st.tuples(st.integers(0, len(digests) - 1), LABELS), max_size=3))
            _check(place, digests, own, takes)
            for number, label in stated:
                own[number] = join(own[number], label)
                ref = ArtifactRef(digest=digests[number], type=ArtifactType.FILES, label=label, size=1)
                with place.platform.write() as connection:
                    note_artifact(connection, ref, "stated", place.now)
                _check(place, digests, own, takes)
        finally:
            place.close()


def _check(place: Place, digests: list[Digest], own: list[Label], takes: list[tuple[int, ...]]) -> None:
    expected: list[Label] = []
    for number, digest in enumerate(digests):
        expected.append(join(own[number], *(expected[other] for other in takes[number])))
        assert label_of(place, digest) == expected[number], (number, takes, own)
