"""What a good file becomes: values filled in, places known, the demonstration and the starter in order."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from bongsu.domain.ids import digest_of
from bongsu.domain.problems import BongsuError, Location
from bongsu.domain.resources import parse_duration
from bongsu.planner.matrix import expand_matrix
from bongsu.specfile import LoadedPipeline, load, loads
from bongsu.specfile.starter import starter

sys.path.insert(0, str(Path(__file__).parent))
from pipeline_samples import CATALOGUE, HEAD

TRAIN = "    - {name: a, uses: train.continue, inputs: {model: inputs.base, tokens: inputs.law}, with: {%s}}\n"


def loaded(stages: str, **overrides: str) -> LoadedPipeline:
    return loads(HEAD + stages, "f.yaml", CATALOGUE, overrides)


def params_of(pipeline: LoadedPipeline) -> list[dict[str, Any]]:
    return [point.params for point in expand_matrix(pipeline.spec, CATALOGUE)]


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({}, (80, 0.5)),
        ({"steps": "7", "share": "1"}, (7, 1.0)),
        ({"steps": "1e2", "share": "2.5e-1"}, (100, 0.25)),
    ],
)
def test_parameters_take_their_defaults_or_what_is_set(
    overrides: dict[str, str], expected: tuple[int, float]
) -> None:
    pipeline = loaded(TRAIN % "steps: '${params.steps}', learningRate: '${params.share}'", **overrides)
    (params,) = params_of(pipeline)
    assert (params["steps"], params["learningRate"]) == expected
    assert [type(value) for value in (params["steps"], params["learningRate"])] == [int, float]
    assert pipeline.parameters["steps"] == expected[0]
    assert {p.name: p.default for p in pipeline.spec.spec.parameters} == pipeline.parameters


def test_parameters_reach_every_field_and_keep_their_type() -> None:
    pipeline = loaded(
        "    - name: run-${params.word}\n"
        "      uses: probe\n"
        "      timeout: ${params.steps}s\n"
        "      resources: {cpusPerWorker: '${params.share}'}\n"
    )
    (stage,) = pipeline.spec.spec.stages
    assert (stage.name, stage.timeout, stage.resources.cpus_per_worker) == ("run-law", parse_duration("80s"), 0.5)


def test_escapes_and_templates_in_values_of_parameters_stay_text() -> None:
    text = "    - {name: p, uses: evaluate.perplexity, inputs: {models: inputs.base}, with: {names: %s}}\n"
    pipeline = loaded(text % "['$${params.word}', '${params.word}!', 'a$${b', '$5']", word="${matrix.x}")
    assert params_of(pipeline) == [{"names": ["${params.word}", "${matrix.x}!", "a${b", "$5"]}]


def test_matrix_values_are_filled_for_every_point() -> None:
    stages = (
        "    - name: curate\n"
        "      uses: data.curate\n"
        "      matrix: {domain: [law, general]}\n"
        '      inputs: {documents: "inputs.${matrix.domain}"}\n'
        '      with: {languages: ["${matrix.domain}-${params.steps}"]}\n'
    )
    pipeline = loaded(stages)
    assert [(p["languages"]) for p in params_of(pipeline)] == [["law-80"], ["general-80"]]
    (curate,) = pipeline.spec.spec.stages
    assert curate.inputs == {"documents": "inputs.${matrix.domain}"}


def test_conditions_see_what_is_set() -> None:
    stage = "    - {name: a, uses: probe, when: params.register and params.steps > 10}\n"
    for overrides, remains in (({}, None), ({"register": "false"}, "false"), ({"steps": "3"}, "false")):
        (point,) = expand_matrix(loaded(stage, **overrides).spec, CATALOGUE)
        assert point.when == remains


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        ("spec.stages[0].with.steps", 16, 103),
        ("spec.stages[0].with.learningRate", 16, 89),
        ("spec.stages[0].timeout", 16, 7),
        ("spec.stages[7].with", 16, 5),
        ("spec.inputs.law.dataset", 13, 20),
        ("metadata.ministry", 3, 36),
        ("spec.grant", 4, 1),
        ("nothing['a.b'][3]", 1, 1),
    ],
)
def test_later_layers_find_the_place_of_a_field(path: str, line: int, column: int) -> None:
    pipeline = loaded(TRAIN % "steps: 1")
    assert pipeline.places.locate(path) == Location("f.yaml", line, column)


def test_key_of_a_field_has_a_place_too() -> None:
    pipeline = loaded(TRAIN % "steps: 1")
    assert pipeline.places.locate("spec.stages[0].uses", key=True) == Location("f.yaml", 16, 17)


def test_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    text = HEAD + "    - {name: a, uses: probe}\n"
    file = tmp_path / "pipeline.yaml"
    file.write_text(text)
    pipeline = load(file, CATALOGUE)
    assert pipeline.digest == digest_of(text.encode())
    assert pipeline.text == text
    assert pipeline.places.locate("spec").file == str(file)


def test_anchors_spare_repetition() -> None:
    pipeline = loaded(
        "    - {name: a, uses: probe, resources: &small {cpusPerWorker: 2}}\n"
        "    - {name: b, uses: probe, resources: *small}\n"
    )
    assert [stage.resources.cpus_per_worker for stage in pipeline.spec.spec.stages] == [2, 2]


def test_only_stages_in_use_are_loaded() -> None:
    asked = []

    class Lazy(dict[str, Any]):
        def __getitem__(self, name: str) -> Any:
            asked.append(name)
            return super().__getitem__(name)

    loads(HEAD + TRAIN % "steps: 1" + (TRAIN % "steps: 2").replace("name: a", "name: b"), "f.yaml", Lazy(CATALOGUE))
    assert asked == ["train.continue"]


def test_whole_numbers_may_be_written_with_an_exponent() -> None:
    pipeline = loaded(TRAIN % "steps: 1e3")
    assert CATALOGUE["train.continue"].params.model_validate(params_of(pipeline)[0]).model_dump()["steps"] == 1000


def test_quoted_and_multi_line_texts() -> None:
    pipeline = loads(
        HEAD.replace("Draft and search documents}", "'Draft: and,\n    search'}")
        + "    - {name: a, uses: probe}\n",
        "f.yaml",
        CATALOGUE,
    )
    assert pipeline.spec.spec.purpose.statement == "Draft: and, search"


def test_text_with_a_byte_order_mark_in_memory() -> None:
    assert loads("\ufeff" + HEAD + "    - {name: a, uses: probe}\n", "f.yaml", CATALOGUE).spec.kind == "Pipeline"


def test_starter_is_whole_but_for_stages_that_this_catalogue_lacks() -> None:
    with pytest.raises(BongsuError) as caught:
        loads(starter("mine", ministry="army"), "f.yaml", CATALOGUE)
    assert {p.code.name for p in caught.value.problems} <= {
        "spec.unknown-uses",  # verify.reload and registry.register
        "spec.unknown-key",  # parameters that the small catalogue does not know
        "spec.wrong-unit",  # or has with another unit
    }
    assert "  name: mine\n  ministry: army" in starter("mine", ministry="army")


def test_example_of_the_documentation_is_good() -> None:
    page = (Path(__file__).parents[3] / "docs" / "pipeline.md").read_text()
    example = page.split("```yaml\n")[1].split("```")[0]
    pipeline = loads(example, "f.yaml", CATALOGUE)
    assert [point.id for point in expand_matrix(pipeline.spec, CATALOGUE)][-2:] == ["prune-1", "prune-2"]


def test_the_korean_starter_is_the_english_one_in_other_words() -> None:
    def without_words(language: str) -> str:
        text = "\n".join(line.partition("#")[0].rstrip() for line in starter(language=language).splitlines())
        text = re.sub(r"(statement: ).*|(description: )[^}]*", r"\1\2", text)
        return "\n".join(line for line in text.splitlines() if line)

    assert without_words("ko") == without_words("en")
    korean = starter(language="ko")
    for line in korean.splitlines():
        comment = line.partition("# ")[2]
        assert not comment or re.search("[가-힣]", comment), f"a comment that nobody translated: {line}"
