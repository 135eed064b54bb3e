"""Every text that a person writes into a pipeline file is screened, and a refusal says where it stands."""

from __future__ import annotations

import pytest
from pipeline_samples import CATALOGUE

from bongsu.domain.problems import BongsuError
from bongsu.specfile import loads

FILE = """\
apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata:
  name: letters
  ministry: mnd
  labels: {team: writers}
spec:
  purpose: {useClass: administration, statement: Draft letters to citizens}
  grant: national-project
  classification: {grade: S, compartments: [logistics]}
  parameters:
    - {name: tone, default: polite, description: How letters sound}
    - {name: length, default: short}
  inputs:
    base: {model: "models:/writer/1"}
    corpus: {dataset: "file:letters"}
  stages:
    - name: curate
      uses: data.curate
      inputs: {documents: inputs.corpus}
      matrix: {domain: [law, general]}
      with: {languages: ["ko", "${params.tone}", "${matrix.domain} selection"]}
      environment: {variables: {NOTE: none}}
"""


def refused(text: str, overrides: dict[str, str] | None = None) -> list[tuple[str, str]]:
    """Field and place of each refusal; no other problem may come."""
    with pytest.raises(BongsuError) as caught:
        loads(text, "p.yaml", CATALOGUE, overrides)
    assert {problem.code.name for problem in caught.value.problems} == {"policy.forbidden-use"}
    assert caught.value.exit_code == 4
    return [(problem.field_path, str(problem.location)) for problem in caught.value.problems]


def test_the_file_is_right_as_it_is() -> None:
    loads(FILE, "p.yaml", CATALOGUE)


@pytest.mark.parametrize(
    ("old", "new", "field", "place"),
    [
        ("name: letters", "name: hunter-killer", "metadata.name", "4:9"),
        ("ministry: mnd", "ministry: kill-chain", "metadata.ministry", "5:13"),
        ("team: writers", "team: 표적 획득", "metadata.labels.team", "6:18"),
        ("Draft letters to citizens", "적을 자동으로 타격", "spec.purpose.statement", "8:50"),
        ("national-project", "killer-robots", "spec.grant", "9:10"),
        ("[logistics]", "[킬체인]", "spec.classification", "10:19"),
        ("name: length,", "name: killChain,", "spec.parameters[1].name", "13:14"),
        ("polite", "seek and destroy", "spec.parameters[0].default", "12:29"),
        ("How letters sound", "표적 선정 기준", "spec.parameters[0].description", "12:50"),
        ("models:/writer/1", "models:/kill-chain/1", "spec.inputs.base.model", "15:19"),
        ("file:letters", "file:data/target-selection", "spec.inputs.corpus.dataset", "16:23"),
        ("name: curate", "name: select-targets", "spec.stages[0].name", "18:13"),
        ('["ko",', '["자율 무기",', "spec.stages[0].with.languages[0]", "22:26"),
        ("general]", "killer robots]", "spec.stages[0].matrix.domain[1]", "21:30"),
        ("NOTE: none", "NOTE: autonomous weapons", "spec.stages[0].environment.variables.NOTE", "23:39"),
    ],
)
def test_each_text_is_screened_at_its_place(old: str, new: str, field: str, place: str) -> None:
    assert old in FILE
    assert (field, f"p.yaml:{place}") in refused(FILE.replace(old, new))


@pytest.mark.parametrize(
    "declared",
    ["lethal-autonomy", "autonomous-targeting", "자율살상", "[target-selection]", "targeting", "strike", "[교전]"],
)
def test_a_class_of_use_that_is_outside_is_refused_and_no_mistake_in_writing(declared: str) -> None:
    field = "spec.purpose.useClass" + ("[0]" if declared.startswith("[") else "")
    text = FILE.replace("useClass: administration", f"useClass: {declared}")
    with pytest.raises(BongsuError) as caught:
        loads(text, "p.yaml", CATALOGUE)
    found = {(problem.code.name, problem.field_path) for problem in caught.value.problems}
    assert ("policy.forbidden-use", field) in found
    assert ("spec.not-allowed", field) not in found
    assert caught.value.exit_code == 4


def test_a_class_that_is_only_mistyped_is_a_mistake_in_writing() -> None:
    with pytest.raises(BongsuError) as caught:
        loads(FILE.replace("useClass: administration", "useClass: administratoin"), "p.yaml", CATALOGUE)
    assert [problem.code.name for problem in caught.value.problems] == ["spec.not-allowed"]


def test_a_statement_beside_a_broken_class_is_screened() -> None:
    text = FILE.replace("useClass: administration", "useClass: 7").replace(
        "Draft letters to citizens", "킬러 로봇 제어 모델"
    )
    with pytest.raises(BongsuError) as caught:
        loads(text, "p.yaml", CATALOGUE)
    assert ("policy.forbidden-use", "spec.purpose.statement") in {
        (p.code.name, p.field_path) for p in caught.value.problems
    }


def test_what_a_file_says_of_itself_under_keys_that_nobody_knows_is_screened() -> None:
    text = FILE.replace("  ministry: mnd", "  ministry: mnd\n  description: killer robots")
    with pytest.raises(BongsuError) as caught:
        loads(text, "p.yaml", CATALOGUE)
    assert "policy.forbidden-use" in {problem.code.name for problem in caught.value.problems}


def test_a_value_from_the_command_line_is_screened_where_it_goes() -> None:
    fields = {field for field, _place in refused(FILE, {"tone": "killer robots"})}
    assert fields == {"spec.parameters[0].default", "spec.stages[0].with.languages[1]"}


def test_words_that_a_matrix_puts_together_are_screened() -> None:
    assert refused(FILE.replace("[law,", "[target,")) == [("spec.stages[0].with.languages[2]", "p.yaml:22:50")]


def test_refusals_come_with_everything_else_that_is_wrong() -> None:
    with pytest.raises(BongsuError) as caught:
        loads(
            FILE.replace("name: letters", "name: kill-chain").replace("data.curate", "data.curat"),
            "p.yaml",
            CATALOGUE,
        )
    assert {"policy.forbidden-use", "spec.unknown-uses"} <= {problem.code.name for problem in caught.value.problems}
