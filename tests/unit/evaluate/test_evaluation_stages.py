"""evaluate.perplexity, evaluate.tasks and evaluate.speed on two small models."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny_training as tiny
from pydantic import ValidationError
from stage_runner import Named, StageRunner

from bongsu.artifacts.local import LocalStore
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.attempt import AttemptResult, Failure
from bongsu_stages.evaluate.likelihood import continuation_loss
from bongsu_stages.evaluate.tasks import Question, TasksParams, answer
from bongsu_stages.models.loading import load_model, load_tokenizer

QUESTIONS = [
    {"question": f"제{number}조는?", "choices": ["국민", "대통령", "국회"], "answer": number % 3}
    for number in range(9)
]


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> StageRunner:
    return StageRunner(LocalStore(tmp_path_factory.mktemp("store")), cpus=1)


@pytest.fixture(scope="module")
def trees(runner: StageRunner, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Named]:
    root = tmp_path_factory.mktemp("trees")
    tiny.write_tokenizer(root / "tokenizer")
    for seed, name in enumerate(("one", "two")):
        tiny.write_model(root / name, root / "tokenizer", seed=seed)
    tiny.write_tokens(root / "tokens", root / "tokenizer")
    (root / "questions").mkdir()
    lines = "\n".join(json.dumps(question, ensure_ascii=False) for question in QUESTIONS)
    (root / "questions" / "law.jsonl").write_text(lines + "\n\n")
    kinds = {"one": ArtifactType.MODEL, "two": ArtifactType.MODEL, "tokens": ArtifactType.TOKENS}
    kinds["questions"] = ArtifactType.FILES
    return {name: (name, kind, tiny.commit(runner.store, name, root / name)) for name, kind in kinds.items()}


@pytest.fixture(scope="module")
def evaluate(runner: StageRunner, trees: dict[str, Named]) -> Callable[..., dict[str, Any]]:
    def call(stage: str, params: dict[str, Any], **ports: list[str]) -> dict[str, Any]:
        given = {port: [trees[name] for name in names] for port, names in ports.items()}
        made = runner.made(stage, params, given)
        reader = runner.store.reader(made.outputs["evaluation"].digest)
        content: dict[str, Any] = json.loads(reader.open("evaluation.json").read())
        return content

    return call


def test_perplexity_is_measured_for_each_model_with_its_interval(evaluate: Any, trees: dict[str, Named]) -> None:
    found = evaluate(
        "evaluate.perplexity", {"names": ["law"], "maxSequences": 6}, models=["one", "two"], tokens=["tokens"]
    )
    assert [entry["modelDigest"] for entry in found["entries"]] == [trees["one"][2], trees["two"][2]]
    for entry in found["entries"]:
        low, high = entry["intervals"]["perplexity.law"]
        # A model of random weights knows nothing: about as many choices as there are tokens.
        assert low <= entry["metrics"]["perplexity.law"] <= high < 2 * tiny.VOCABULARY
    assert found["details"]["tokens"]["law"] == 6 * 32


def test_tasks_count_right_answers_with_an_interval(evaluate: Any, runner: StageRunner, trees: Any) -> None:
    found = evaluate("evaluate.tasks", {}, models=["one"], questions=["questions"])
    (entry,) = found["entries"]
    directory = runner.store.reader(trees["one"][2])
    model, tokenizer = load_model(directory), load_tokenizer(directory)
    asked = [Question.model_validate(question) for question in QUESTIONS]
    right = sum(answer(model, tokenizer, question, TasksParams()) == question.answer for question in asked)
    assert entry["metrics"]["tasks.law.accuracy"] == right / 9
    low, high = entry["intervals"]["tasks.law.accuracy"]
    assert low <= right / 9 <= high


def test_the_likeliest_choice_is_the_answer(runner: StageRunner, trees: dict[str, Named]) -> None:
    directory = runner.store.reader(trees["one"][2])  # type: ignore[arg-type]
    model, tokenizer = load_model(directory), load_tokenizer(directory)
    question = Question.model_validate(QUESTIONS[0])
    params = TasksParams(normalise=False, template="{question}")
    losses = []
    for choice in question.choices:
        prompt, tokens = (
            tokenizer.encode(text, add_special_tokens=False) for text in (question.question, f" {choice}")
        )
        losses.append(continuation_loss(model, prompt, tokens))
        assert math.isfinite(losses[-1])
    assert answer(model, tokenizer, question, params) == losses.index(min(losses))


@pytest.mark.parametrize("template", ["{frage}", "{}", "정답:", "{question", "}", "{question.x}", "{question:d}"])
def test_a_template_that_cannot_be_filled_in_is_no_parameter(template: str) -> None:
    with pytest.raises(ValidationError, match="brace"):
        TasksParams(template=template)


def test_a_template_may_have_braces_written_twice() -> None:
    assert TasksParams(template="{{x}} {question}").template.format(question="?") == "{x} ?"


def test_two_texts_with_one_name_are_refused(runner: StageRunner, trees: dict[str, Named]) -> None:
    inputs = {"models": [trees["one"]], "tokens": [trees["tokens"], trees["tokens"]]}
    failure = runner.run("evaluate.perplexity", {"names": ["law", "law"]}, inputs)
    assert isinstance(failure, Failure)
    assert "perplexity.law" in str(failure.message)
    assert isinstance(runner.run("evaluate.perplexity", {}, inputs), Failure)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2 is no question"),
        ('{"question": "?", "choices": ["a"], "answer": 0}', "line 2 is no question"),
        ('{"question": "?", "choices": ["a", "b"], "answer": 2}', "answer must be the number of a choice"),
    ],
)
def test_a_line_that_is_no_question_is_told(
    runner: StageRunner, trees: dict[str, Named], tmp_path: Path, line: str, message: str
) -> None:
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "a.jsonl").write_text(json.dumps(QUESTIONS[0]) + "\n" + line + "\n")
    asked = ("q", ArtifactType.FILES, tiny.commit(runner.store, tmp_path.name, tmp_path / "q"))
    failure = runner.run("evaluate.tasks", {}, {"models": [trees["one"]], "questions": [asked]})
    assert isinstance(failure, Failure)
    assert message in str(failure.message)


def test_speed_is_measured_for_reading_and_writing(evaluate: Any) -> None:
    params = {"promptTokens": 16, "newTokens": 4, "batch": 2}
    (entry,) = evaluate("evaluate.speed", params, models=["one"])["entries"]
    assert all(low <= entry["metrics"][name] <= high for name, (low, high) in entry["intervals"].items())
    assert entry["intervals"].keys() == entry["metrics"].keys()
    assert entry["metrics"].keys() == {"speed.tokensPerSecond", "speed.decodeTokensPerSecond"}
    assert all(value > 0 for value in entry["metrics"].values())


def test_a_model_whose_figures_are_no_numbers_is_measured_without_them(
    runner: StageRunner, trees: dict[str, Named], tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "broken"
    import shutil

    shutil.copytree(runner.store.reader(trees["one"][2]).local(), folder)  # type: ignore[arg-type]
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"] *= math.nan
    (folder / "model.safetensors").unlink()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    broken = ("broken", ArtifactType.MODEL, tiny.commit(runner.store, "broken", folder))
    made = runner.run(
        "evaluate.perplexity", {"names": ["law"]}, {"models": [broken, trees["one"]], "tokens": [trees["tokens"]]}
    )
    assert isinstance(made, AttemptResult)
    assert list(made.metrics) == ["perplexity.law/one"]
