"""evaluate.perplexity, evaluate.tasks and evaluate.speed on two small models."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tiny_training as tiny
import torch
from pydantic import ValidationError
from stage_runner import Named, StageRunner
from torch.nn import functional

from bongsu.artifacts.local import LocalStore
from bongsu.artifacts.reading import read_json
from bongsu.domain.artifact import ArtifactType
from bongsu.domain.attempt import AttemptResult, Failure
from bongsu.domain.ids import Digest
from bongsu_stages.evaluate.likelihood import continuation_loss, sequence_losses
from bongsu_stages.evaluate.tasks import Question, TasksParams, answer
from bongsu_stages.models import loading
from bongsu_stages.models.loading import load_model, load_tokenizer

QUESTIONS = [
    {"question": f"제{number}조는?", "choices": ["국민", "대통령", "국회"], "answer": number % 3}
    for number in range(9)
]


class Counts:
    """A model that is sure of one thing: behind each token comes the next one of the vocabulary."""

    device = torch.device("cpu")

    def __call__(self, input_ids: torch.Tensor, **_options: Any) -> Any:
        after = (input_ids + 1) % tiny.VOCABULARY
        return SimpleNamespace(logits=20.0 * functional.one_hot(after, tiny.VOCABULARY).float())


class Numbers:
    """A tokenizer of texts that are numbers: each is its own token."""

    def encode(self, text: str, **_options: Any) -> list[int]:
        return [int(word) for word in text.split()]


COUNTS: Any = Counts()


@torch.inference_mode()
def loss_of(model: Any, tokens: list[int], first: int) -> float:
    """Summed loss of all tokens from ``first`` on, as transformers computes it."""
    ids = torch.tensor([tokens])
    labels = ids.clone()
    labels[:, :first] = -100  # what its loss leaves out
    return float(model(input_ids=ids, labels=labels).loss) * (len(tokens) - first)


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
def model(runner: StageRunner, trees: dict[str, Named]) -> Any:
    return load_model(runner.store.reader(Digest(trees["one"][2])))


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


def test_the_likelihood_of_a_text_is_the_loss_that_transformers_computes(
    evaluate: Any, model: Any, runner: StageRunner, trees: dict[str, Named]
) -> None:
    directory = runner.store.reader(Digest(trees["tokens"][2])).local()
    heldout = np.load(directory / "heldout-00000.npy").astype(np.int64)
    each = [loss_of(model, row.tolist(), 1) for row in heldout]
    losses, counts = sequence_losses(model, heldout, micro_batch=3)
    assert counts == [31] * 8
    assert losses == pytest.approx(each, rel=1e-5)
    (entry,) = evaluate("evaluate.perplexity", {"names": ["law"]}, models=["one"], tokens=["tokens"])["entries"]
    assert entry["metrics"]["perplexity.law"] == pytest.approx(math.exp(sum(each) / (8 * 31)), rel=1e-5)


@pytest.mark.parametrize("cut", [1, 2, 17, 31])
def test_the_likelihood_of_a_continuation_is_the_loss_of_its_own_tokens(model: Any, cut: int) -> None:
    tokens = np.random.default_rng(0).integers(2, tiny.VOCABULARY, 32).tolist()
    expected = loss_of(model, tokens, cut)
    assert continuation_loss(model, tokens[:cut], tokens[cut:]) == pytest.approx(expected, rel=1e-5)


def test_the_likeliest_choice_is_the_answer(model: Any, runner: StageRunner, trees: dict[str, Named]) -> None:
    tokenizer = load_tokenizer(runner.store.reader(Digest(trees["one"][2])))
    question = Question.model_validate(QUESTIONS[0])
    prompt = tokenizer.encode(question.question, add_special_tokens=False)
    choices = [tokenizer.encode(f" {choice}", add_special_tokens=False) for choice in question.choices]
    losses = [loss_of(model, prompt + choice, len(prompt)) for choice in choices]
    params = TasksParams(normalise=False, template="{question}")
    assert answer(model, tokenizer, question, params) == losses.index(min(losses))


@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize(
    ("choices", "right"),
    [(("4 5 6", "5 6 7", "3 4 5"), 0), (("3 3 3", "5 6 7", "4 5 6"), 2), (("4 4 4", "4 5 6", "6 5 4"), 1)],
)
def test_a_model_that_counts_chooses_what_comes_next(choices: tuple[str, ...], right: int, normalise: bool) -> None:
    question = Question(question="1 2 3", choices=choices, answer=0)
    assert answer(COUNTS, Numbers(), question, TasksParams(normalise=normalise, template="{question}")) == right
    assert continuation_loss(COUNTS, [1, 2, 3], [4, 5, 6]) == pytest.approx(0.0, abs=1e-4)
    assert sequence_losses(COUNTS, np.arange(8)[None], micro_batch=2)[0] == pytest.approx([0.0], abs=1e-4)


def test_a_long_choice_is_judged_by_the_mean_of_its_tokens_or_by_their_sum() -> None:
    question = Question(
        question="1 2 3", choices=("4 5 9 9", "9"), answer=0
    )  # two tokens wrong of four; one of one
    chosen = [
        answer(COUNTS, Numbers(), question, TasksParams(normalise=normalise, template="{question}"))
        for normalise in (True, False)
    ]
    assert chosen == [0, 1]


def test_tasks_count_right_answers_with_an_interval(
    runner: StageRunner, trees: dict[str, Named], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "loaded", lambda _ctx, _tree: nullcontext(COUNTS))
    monkeypatch.setattr(loading, "load_tokenizer", lambda _tree: Numbers())
    (tmp_path / "q").mkdir()
    # The second choice comes next; six of nine questions say so.
    asked = [{"question": "1 2", "choices": ["5", "3", "4"], "answer": int(number < 6)} for number in range(9)]
    (tmp_path / "q" / "law.jsonl").write_text("\n".join(json.dumps(question) for question in asked) + "\n\n")
    questions = ("q", ArtifactType.FILES, tiny.commit(runner.store, "counted", tmp_path / "q"))
    inputs = {"models": [trees["one"]], "questions": [questions]}
    made = runner.made("evaluate.tasks", {"template": "{question}"}, inputs)
    (entry,) = read_json(runner.store.reader(made.outputs["evaluation"].digest), "evaluation.json")["entries"]
    assert entry["metrics"]["tasks.law.accuracy"] == 6 / 9
    # Wilson's interval of six in nine at 95%, from his formula by hand.
    assert entry["intervals"]["tasks.law.accuracy"] == pytest.approx((0.3542, 0.8794), abs=1e-4)


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
