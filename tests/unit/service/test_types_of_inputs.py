"""What inputs hold has to fit the ports that they are given to: told by the check of a file and by its plan."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from service_places import Place

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.ids import RunId, StageId
from bongsu.domain.problems import BongsuError, Problem
from bongsu.service.planning import prepare
from bongsu.service.validating import validate_file
from bongsu.store.artifacts import Maker, note_artifact
from bongsu_stages.data.card import Card

HEAD = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: sample, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Draft and search documents}
  inputs:
    base: {model: "file:base"}
    raw: {dataset: "file:raw"}
"""
TOKENIZE = "    - {name: tokens, uses: data.tokenize, inputs: {documents: inputs.raw, tokenizer: inputs.base}}\n"
TRAIN = (
    "    - {name: adapt, uses: train.continue, inputs: {model: inputs.base, tokens: [inputs.raw]},"
    " with: {steps: 1, learningRate: 0.1}}\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "law.txt").write_text("제1조")
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text(json.dumps({"model_type": "other", "hidden_size": 8}))
    return tmp_path


def write(folder: Path, *stages: str, head: str = HEAD) -> Path:
    file = folder / "pipeline.yaml"
    file.write_text(head + "  stages:\n" + "".join(stages))
    return file


def only(caught: pytest.ExceptionInfo[BongsuError]) -> Problem:
    (problem,) = caught.value.problems
    return problem


def test_files_where_documents_are_wanted_are_told_with_the_stage_that_makes_documents_of_them(
    folder: Path, place: Place
) -> None:
    file = write(folder, TOKENIZE)
    with pytest.raises(BongsuError) as caught:
        validate_file(file)
    problem = only(caught)
    assert problem.what() == "The input documents takes documents, and inputs.raw (file:raw) is files."
    assert "{name: curate, uses: data.curate, inputs: {documents: inputs.raw}}" in problem.fix()
    assert "curate.documents" in problem.fix()
    assert problem.location is not None
    assert problem.location.line == 10
    assert problem.field_path == "spec.stages[0].inputs.documents"
    with pytest.raises(BongsuError) as planned:
        prepare(place.platform, file)
    assert str(only(planned)) == str(problem)


def test_files_where_tokens_are_wanted_are_told_with_both_stages_in_between(folder: Path) -> None:
    with pytest.raises(BongsuError) as caught:
        validate_file(write(folder, TRAIN))
    problem = only(caught)
    assert problem.field_path == "spec.stages[0].inputs.tokens[0]"
    assert "uses: data.tokenize, inputs: {documents: curate.documents, tokenizer: ...}" in problem.fix()
    assert "write tokenize.tokens here" in problem.fix()


def test_tokens_where_documents_are_wanted_have_no_way_back(folder: Path) -> None:
    (folder / "raw" / "tokens.json").write_text("{}")
    with pytest.raises(BongsuError) as caught:
        validate_file(write(folder, TOKENIZE))
    assert only(caught).code.name == "spec.wrong-port-type"
    assert "takes documents, and inputs.raw is tokens" in only(caught).what()


def test_inputs_that_are_exchanged_are_told_with_the_ones_that_fit(folder: Path) -> None:
    stage = TRAIN.replace("model: inputs.base", "model: inputs.raw").replace("[inputs.raw]", "[inputs.base]")
    with pytest.raises(BongsuError) as caught:
        validate_file(write(folder, stage))
    fixes = {problem.fix().partition("? ")[0] for problem in caught.value.problems}
    assert fixes == {"Did you mean inputs.base", "Did you mean inputs.raw"}


def test_inputs_that_fit_or_cannot_be_found_and_stages_that_never_run_are_no_problem(folder: Path) -> None:
    (folder / "raw" / "tokens.json").write_text("{}")
    assert validate_file(write(folder, TRAIN))
    gone = validate_file(write(folder, TOKENIZE, head=HEAD.replace("file:raw", "file:gone")))
    assert [(one.code.name, one.field_path) for one in gone.warnings] == [("run.input-missing", "spec.inputs.raw")]
    assert gone.warnings[0].location is not None
    never = TOKENIZE.replace("{name: tokens,", "{name: tokens, when: 'false',")
    assert validate_file(write(folder, never))


CARD = Card(files=1, read=1, kept=1, characters=3).as_json({}, lasting_key=False)


@pytest.mark.parametrize("card", ["{}", "[]", "no JSON", '{"documents": 1}'])
def test_parquet_beside_a_card_that_curate_did_not_write_is_files(folder: Path, card: str) -> None:
    (folder / "raw" / "part-0.parquet").write_bytes(b"")
    (folder / "raw" / "card.json").write_text(card)
    with pytest.raises(BongsuError) as caught:
        validate_file(write(folder, TOKENIZE))
    assert only(caught).what() == "The input documents takes documents, and inputs.raw (file:raw) is files."


def test_documents_that_were_not_made_here_are_told(folder: Path, place: Place) -> None:
    (folder / "raw" / "part-0.parquet").write_bytes(b"")
    (folder / "raw" / "card.json").write_text(json.dumps(CARD))
    file = write(folder, TOKENIZE)
    for warnings in (validate_file(file).warnings, prepare(place.platform, file).warnings):
        (warning,) = [problem for problem in warnings if problem.code.name == "run.not-masked-here"]
        assert warning.field_path == "spec.inputs.raw"
        assert "raw (file:raw)" in warning.what()


FINETUNE = (
    "    - {name: talk, uses: train.finetune, inputs: {model: inputs.base, examples: %s},"
    " matrix: {seed: [1, 2]}, with: {steps: 1, learningRate: 0.1}}\n"
)


def test_files_that_are_learned_as_they_are_given_are_told_once(folder: Path, place: Place) -> None:
    told = [p for p in prepare(place.platform, write(folder, FINETUNE % "inputs.raw")).warnings if p.location]
    (warning,) = [problem for problem in told if problem.code.name == "run.not-masked"]
    assert warning.field_path == "spec.inputs.raw"
    assert "talk learns from the files of the input raw (file:raw)" in warning.what()


def test_files_that_a_stage_works_on_or_that_a_command_made_are_not_told(folder: Path, place: Place) -> None:
    curated = "    - {name: curate, uses: data.curate, inputs: {documents: inputs.raw}}\n"
    made = (
        "    - {name: chats, uses: container, inputs: {files: [inputs.raw]}, with: {command: [cp]}}\n"
        + FINETUNE % "chats.files"
    )
    for stages in (curated, made):
        warnings = prepare(place.platform, write(folder, stages)).warnings
        assert "run.not-masked" not in [problem.code.name for problem in warnings]


def test_documents_that_a_run_here_made_are_not_told(folder: Path, place: Place) -> None:
    (folder / "raw" / "part-0.parquet").write_bytes(b"")
    (folder / "raw" / "card.json").write_text(json.dumps(CARD))
    file = write(folder, TOKENIZE)
    given = [planned.ref for planned in prepare(place.platform, file).plan.inputs]
    (ref,) = [ref for ref in given if ref.type is ArtifactType.DOCUMENTS]
    with place.platform.database.write() as connection:
        note_artifact(connection, ref, "made", 0.0, Maker(RunId("r"), StageId("s")))
    assert not [p for p in prepare(place.platform, file).warnings if p.code.name == "run.not-masked-here"]
