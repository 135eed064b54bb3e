"""Grades in pipeline files: the site's, in whatever spelling; others are refused where they stand."""

from __future__ import annotations

import pytest
from pipeline_samples import CATALOGUE

from bongsu.domain.grades import N2SF, GradeScheme, SchemeName
from bongsu.domain.labels import Grade, Label
from bongsu.specfile import FaultyPipeline, LoadedPipeline, is_of_grade, loads

MILITARY = GradeScheme(SchemeName.MILITARY, Grade.SECRET_III)
FILE = """\
apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {{name: sample, ministry: mnd}}
spec:
  purpose: {{useClass: administration, statement: Draft administrative documents}}
  classification: {floor}
  inputs:
    corpus: {{dataset: "file:x", label: {label}}}
  stages:
    - {{name: a, uses: probe}}
"""


def loaded(grades: GradeScheme, floor: str = "O", label: str = "O") -> LoadedPipeline:
    return loads(FILE.format(floor=floor, label=label), "f.yaml", CATALOGUE, grades=grades)


def labels_in(pipeline: LoadedPipeline) -> tuple[Label, Label | None]:
    body = pipeline.spec.spec
    return body.classification, body.inputs["corpus"].label


def test_however_a_grade_is_written_the_pipeline_is_the_same() -> None:
    plain = loaded(MILITARY, "III", "{grade: II, compartments: [logistics]}")
    for floor, label in (
        ("대외비", "{grade: 2급, compartments: [logistics]}"),
        ("Ⅲ급", "{grade: 군사 Ⅱ급 비밀, compartments: [logistics]}"),
    ):
        assert loaded(MILITARY, floor, label).spec == plain.spec
    held = frozenset({"logistics"})
    assert labels_in(plain) == (Label(grade=Grade.SECRET_III), Label(grade=Grade.SECRET_II, compartments=held))


def test_restricted_is_what_the_site_says() -> None:
    assert labels_in(loaded(N2SF, "대외비"))[0].grade is Grade.SENSITIVE
    assert labels_in(loaded(MILITARY, "대외비"))[0].grade is Grade.SECRET_III


@pytest.mark.parametrize(
    ("grades", "written", "known"),
    [
        (N2SF, "III", "O, S, C"),
        (N2SF, "2급", "O, S, C"),
        (N2SF, "X", "O, S, C"),
        (MILITARY, "C", "O, S, III, II, I"),
        (MILITARY, "4급", "O, S, III, II, I"),
    ],
)
def test_another_grade_is_refused_where_it_stands_with_those_that_there_are(
    grades: GradeScheme, written: str, known: str
) -> None:
    with pytest.raises(FaultyPipeline) as faulty:
        loaded(grades, f"{{grade: {written}}}", written)
    found = [(one.code.name, one.field_path, one.args["known"]) for one in faulty.value.problems]
    assert found == [
        ("spec.not-allowed", "spec.classification.grade", known),
        ("spec.not-allowed", "spec.inputs.corpus.label", known),
    ]
    assert all(one.location is not None and one.location.line in (6, 8) for one in faulty.value.problems)
    assert all(map(is_of_grade, faulty.value.problems))
    assert faulty.value.rest is not None


def test_a_grade_may_be_a_parameter() -> None:
    text = FILE.format(floor='"${params.floor}"', label="O") + "  parameters: [{name: floor, default: O}]\n"
    found = loads(text, "f.yaml", CATALOGUE, {"floor": "1급"}, MILITARY)
    assert found.spec.spec.classification.grade is Grade.SECRET_I
    with pytest.raises(FaultyPipeline, match="O, S, C"):
        loads(text, "f.yaml", CATALOGUE, {"floor": "1급"}, N2SF)


def test_other_faults_of_a_label_are_told_as_ever() -> None:
    with pytest.raises(FaultyPipeline) as faulty:
        loaded(MILITARY, "{grade: 2급, compartment: a}", "[S]")
    assert [one.code.name for one in faulty.value.problems] == ["spec.unknown-key", "spec.wrong-type"]
    assert not any(map(is_of_grade, faulty.value.problems))
